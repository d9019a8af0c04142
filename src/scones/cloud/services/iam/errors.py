"""IAM's errors, with its messages."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def no_role(name: str) -> ServiceError:
    """Return the error for a role that does not exist."""
    return ServiceError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)


def no_role_policy(name: str) -> ServiceError:
    """Return the error for an inline policy that does not exist."""
    return ServiceError("NoSuchEntity", f"The role policy with name {name} cannot be found.", 404)


def no_policy(arn: str) -> ServiceError:
    """Return the error for a managed policy that does not exist."""
    return ServiceError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
