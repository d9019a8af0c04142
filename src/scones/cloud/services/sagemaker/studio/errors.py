"""Studio's errors.

The messages of ResourceInUse are AWS's, as users quote them in reports. We found no reports of ResourceNotFound; its
message follows the same pattern.
"""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def not_found(what: str, name: str) -> ServiceError:
    """Return the error for a missing domain, user profile, space or app; `name` is its ARN or ID."""
    return ServiceError("ResourceNotFound", f"{what} [{name}] does not exist.")


def already_exists() -> ServiceError:
    """Return the error for a second resource with the same name."""
    return ServiceError("ResourceInUse", "The ID or Name specified is already in use.")


def in_use(what: str, arn: str, by: str) -> ServiceError:
    """Return the error for deleting a resource that has resources of the kind `by`."""
    return ServiceError("ResourceInUse", f"Unable to delete {what} [{arn}] because {by}(s) are associated with it.")
