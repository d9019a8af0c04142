"""CloudWatch Logs' errors, with its messages."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return the error for an invalid parameter."""
    return ServiceError("InvalidParameterException", message)


def invalid_token() -> ServiceError:
    """Return the error for an invalid token of a page."""
    return invalid("The specified nextToken is invalid.")


def exists(resource: str) -> ServiceError:
    """Return the error for the creation of a group or stream that exists."""
    return ServiceError("ResourceAlreadyExistsException", f"The specified {resource} already exists")


def no_group() -> ServiceError:
    """Return the error for a group that does not exist."""
    return ServiceError("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> ServiceError:
    """Return the error for a stream that does not exist."""
    return ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")


def limit_exceeded() -> ServiceError:
    """Return the error for a quota that would be exceeded."""
    return ServiceError("LimitExceededException", "Resource limit exceeded.")
