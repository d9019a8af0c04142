"""SageMaker's errors, in AWS's wording: the SDK and boto3's waiters look for `Could not find`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scones.cloud.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return a ValidationException."""
    return ServiceError("ValidationException", message)


def invalid_token() -> ServiceError:
    """Return the error for a NextToken that no List operation returned."""
    return invalid("The pagination token is invalid. Start the listing again without NextToken.")


def require(request: Mapping[str, Any], *paths: str) -> None:
    """Require members, such as `A.B`, that the operation needs although botocore's model makes them optional.

    Raises `ServiceError` (ValidationException) with the message that AWS gives for a missing required member.
    """
    for path in paths:
        value: Any = request
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
