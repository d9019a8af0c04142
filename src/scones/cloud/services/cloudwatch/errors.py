"""CloudWatch's errors, with the codes of its model."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid_value(message: str) -> ServiceError:
    """Return the error for an invalid value of a parameter."""
    return ServiceError("InvalidParameterValueException", message)


def invalid_combination(message: str) -> ServiceError:
    """Return the error for parameters that exclude each other."""
    return ServiceError("InvalidParameterCombinationException", message)


def missing_parameter(message: str) -> ServiceError:
    """Return the error for a parameter that is required here."""
    return ServiceError("MissingRequiredParameterException", message)


def validation_error(message: str) -> ServiceError:
    """Return the error for parameters that CloudWatch itself validates."""
    return ServiceError("ValidationException", message)


def not_found(message: str = "") -> ServiceError:
    """Return the error for an alarm or a dashboard that does not exist; AWS's has no message for alarms."""
    return ServiceError("ResourceNotFound", message, 404)


def invalid_token() -> ServiceError:
    """Return the error for an invalid token of a page."""
    return invalid_value("Request parameter NextToken is invalid")
