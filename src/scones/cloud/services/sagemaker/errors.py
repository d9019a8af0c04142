"""SageMaker's refusals, in its own words: `Could not find` is what the SDK and boto3's waiters look for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scones.cloud.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return a ValidationException."""
    return ServiceError("ValidationException", message)


def invalid_token() -> ServiceError:
    """Return the answer for a NextToken that no list has given."""
    return invalid("The pagination token is invalid. Start the listing again without NextToken.")


def require(request: Mapping[str, Any], *paths: str) -> None:
    """Hold a request to members that its operation needs and its model does not require, such as `A.B`.

    Raises `ServiceError` (ValidationException) in the words of a member that the model requires.
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


def not_found(what: str, arn: str) -> ServiceError:
    """Return the answer for a missing endpoint, endpoint configuration or model."""
    return invalid(f'Could not find {what} "{arn}".')


def already_exists(what: str, arn: str) -> ServiceError:
    """Return the answer for a second endpoint, endpoint configuration or model of one name."""
    return invalid(f'Cannot create already existing {what} "{arn}".')


def not_offered(what: str, instead: str) -> ServiceError:
    """Return the refusal of something that AWS does and this cloud does not; `instead` says what to do."""
    return ServiceError("NotImplemented", f"The local cloud does not offer {what}; AWS does. {instead}", 501)
