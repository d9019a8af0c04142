"""Limits on a function's settings that AWS checks in addition to its service model, with AWS's error messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

MAXIMA = {"Timeout": 900, "MemorySize": 10_240}
"""Maxima in seconds and in MB. The service model has the maxima of managed instances, which the local cloud does not
offer."""
DEPRECATED_RUNTIMES = frozenset(
    {
        *(
            "nodejs",
            "nodejs4.3",
            "nodejs4.3-edge",
            "nodejs6.10",
            "nodejs8.10",
            "nodejs10.x",
            "nodejs12.x",
            "nodejs14.x",
        ),
        *("python2.7", "python3.6", "python3.7", "ruby2.5", "ruby2.7", "java8", "go1.x", "provided"),
        *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1"),
    }
)
"""Runtimes with which AWS creates no functions any more (Lambda Developer Guide, "Lambda runtimes")."""
MAX_NAME = 64
LAYERS = 5
TAGS = 50
VARIABLES_LIMIT = 4096
"""Maximum total bytes of a function's environment variables."""
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""Names that the runtime sets (Lambda Developer Guide, "Defined runtime environment variables")."""


def check_name(name: str) -> None:
    """Raise `InvalidParameterValueException` for a name that is too long for a new function."""
    if len(name) > MAX_NAME:
        raise _refused(
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must "
            f"have length less than or equal to {MAX_NAME}"
        )


def check_settings(params: Members) -> None:
    """Refuse settings above their maximum, deprecated runtimes, and layers that a function must not combine.

    Raises `ValidationException` for the first and `InvalidParameterValueException` for the others.
    """
    if (runtime := params.get("Runtime")) in DEPRECATED_RUNTIMES:
        raise _refused(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    for member, maximum in MAXIMA.items():
        if params.get(member, 0) > maximum:
            path = member[0].lower() + member[1:]
            raise ServiceError(
                "ValidationException",
                f"1 validation error detected: Value '{params[member]}' at '{path}' failed to satisfy constraint: "
                f"Member must have value less than or equal to {maximum}",
            )
    _check_layers(params.get("Layers", ()))


def _check_layers(arns: Sequence[str]) -> None:
    if len(arns) > LAYERS:
        raise _refused(f"Cannot reference more than {LAYERS} layers.")
    known: dict[str, str] = {}
    for arn in arns:
        other = known.setdefault(arn.rpartition(":")[0], arn)
        if other is not arn:
            raise _refused(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{other} and {arn} are versions of the same layer."
            )


def check_variables(variables: Mapping[str, str]) -> None:
    """Raise `InvalidParameterValueException` for reserved names, and for variables of more than 4 KB in total."""
    if reserved := sorted(RESERVED_VARIABLES & variables.keys()):
        raise _refused_variables(
            "contains reserved keys that are currently not supported for modification. Reserved keys used in this "
            f"request: {', '.join(reserved)}"
        )
    text = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > VARIABLES_LIMIT:
        raise _refused_variables(f"exceeded the 4KB limit. String measured: {text}")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise `InvalidParameterValueException` for more tags than a resource may have."""
    if len(tags) > TAGS:
        raise _refused("Number of tags exceeds resource tag limit.")


def _refused_variables(reason: str) -> ServiceError:
    message = "Lambda was unable to configure your environment variables because the environment variables you have"
    return _refused(f"{message} provided {reason}")


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
