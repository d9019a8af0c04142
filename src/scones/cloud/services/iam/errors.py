"""IAM's errors, with its messages."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def no_such_entity(message: str) -> ServiceError:
    """Return the error for a resource that does not exist."""
    return ServiceError("NoSuchEntity", message, 404)


def already_exists(message: str) -> ServiceError:
    """Return the error for the creation of a resource that exists."""
    return ServiceError("EntityAlreadyExists", message, 409)


def delete_conflict(first: str) -> ServiceError:
    """Return the error for the deletion of a resource that others depend on; `first` says what to do first."""
    return ServiceError("DeleteConflict", f"Cannot delete entity, must {first} first.", 409)


def limit_exceeded(message: str) -> ServiceError:
    """Return the error for a quota that would be exceeded."""
    return ServiceError("LimitExceeded", message, 409)


def invalid_input(message: str) -> ServiceError:
    """Return the error for parameters that contradict each other or the stored resources."""
    return ServiceError("InvalidInput", message)


def validation_error(message: str) -> ServiceError:
    """Return the error for a parameter of the wrong form."""
    return ServiceError("ValidationError", message)


def no_policy(arn: str) -> ServiceError:
    """Return the error for an attachment of a managed policy that does not exist."""
    return no_such_entity(f"Policy {arn} does not exist or is not attachable.")
