"""SageMaker's refusals, in its own words: `Could not find` is what the SDK and boto3's waiters look for."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return a ValidationException."""
    return ServiceError("ValidationException", message)


def not_found(what: str, arn: str) -> ServiceError:
    """Return the answer for a missing endpoint, endpoint configuration or model."""
    return invalid(f'Could not find {what} "{arn}".')


def already_exists(what: str, arn: str) -> ServiceError:
    """Return the answer for a second endpoint, endpoint configuration or model of one name."""
    return invalid(f'Cannot create already existing {what} "{arn}".')


def not_offered(what: str, instead: str) -> ServiceError:
    """Return the refusal of something that AWS does and this cloud does not; `instead` says what to do."""
    return ServiceError("NotImplemented", f"The local cloud does not offer {what}; AWS does. {instead}", 501)
