"""SageMaker's errors, in AWS's wording: the SDK and boto3's waiters look for `Could not find`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import MemberValue

INTERNAL_FAULT = "InternalServerError: internal error of the local cloud; see its log."
"""Failure reason of a resource after an exception in the code of the local cloud."""
INTERRUPTED = (
    "InternalServerError: the local cloud was stopped while the job was running, and its instance no longer "
    "exists. Create the job again."
)
"""Failure reason of a job that was running when an earlier process ended."""


def invalid(message: str) -> ServiceError:
    """Return a ValidationException."""
    return ServiceError("ValidationException", message)


def invalid_token() -> ServiceError:
    """Return the error for a NextToken that no List operation returned."""
    return invalid("The pagination token is invalid. Start the listing again without NextToken.")


def require(request: Mapping[str, MemberValue], *paths: str) -> None:
    """Require members, such as `A.B`, that the operation needs although botocore's model makes them optional.

    Raises `ServiceError` (ValidationException) with the message that AWS gives for a missing required member.
    """
    for path in paths:
        value: MemberValue = request
        for name in path.split("."):
            value = value.get(name) if value is not None else None
        if value is None:
            member = ".".join(name[0].lower() + name[1:] for name in path.split("."))
            raise invalid(
                f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
                "Member must not be null"
            )


def not_found(resource: str, arn: str) -> ServiceError:
    """Return the error for a missing endpoint, endpoint configuration or model."""
    return invalid(f'Could not find {resource} "{arn}".')


def already_exists(resource: str, arn: str) -> ServiceError:
    """Return the error for a second endpoint, endpoint configuration or model with the same name."""
    return invalid(f'Cannot create already existing {resource} "{arn}".')


def not_supported(resource: str, alternative: str) -> ServiceError:
    """Return the error for a feature of AWS that this cloud does not have; `alternative` says what to do."""
    return ServiceError("NotImplemented", f"The local cloud does not support {resource}; AWS does. {alternative}", 501)


def endpoint_in_progress(verb: str, arn: str) -> ServiceError:
    """Return the error for an operation on an endpoint whose status does not allow it; `verb` is update or delete."""
    return invalid(f'Cannot {verb} in-progress endpoint "{arn}".')


def duplicate_names(what: str, names: Iterable[str]) -> ServiceError:
    """Return the error for channels or variants that have the same name."""
    return invalid(f"{what} names must be unique; received: {', '.join(names)}.")


def cannot_stop(what: str, status: str) -> ServiceError:
    """Return the error for stopping a job that is not in progress."""
    return invalid(f"The request was rejected because the {what} is in status {status}.")


def must_end_first(what: str, status: str) -> ServiceError:
    """Return the error for deleting a job that has not ended."""
    return ServiceError("ResourceInUse", f"{what} is in status {status}; stop it and wait until it has ended.")


def too_many_instances(member: str, count: int, limit: int, what: str) -> ServiceError:
    """Return the error for more instances than the local cloud runs per job; `member` contains InstanceCount."""
    return invalid(
        f"{member}.InstanceCount is {count}, but the local cloud runs at most {limit} "
        f"instances per {what}; specify a smaller number."
    )


def no_objects(uri: str, source: str) -> str:
    """Return the message for an S3 URL without objects in a job's input."""
    return f'No S3 objects found under S3 URL "{uri}" given in {source}.'


def see_job_logs(last_error: str) -> str:
    """Return AWS's failure reason of processing and transform jobs, with the last error in the logs."""
    reason = "See job logs for more information"
    return f"{reason}: {last_error}" if last_error else reason


def job_not_resumed(reason: str) -> str:
    """Return the failure reason of a job of an earlier process that could not be resumed."""
    return f"InternalServerError: the local cloud could not resume the job: {reason}."


def endpoint_not_restarted(reason: str) -> str:
    """Return the failure reason of an endpoint of an earlier process that could not be restarted."""
    return f"InternalServerError: the local cloud could not restart the endpoint: {reason}."
