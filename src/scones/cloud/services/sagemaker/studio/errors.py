"""Studio's refusals.

The words for what is in use are AWS's own, as people's reports quote them; those for what is missing follow their
pattern, for no report of them was found.
"""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def missing(what: str, name: str) -> ServiceError:
    """Return the answer for a domain, user profile, space or app that is not there; `name` is its ARN or ID."""
    return ServiceError("ResourceNotFound", f"{what} [{name}] does not exist.")


def taken() -> ServiceError:
    """Return the answer for a second resource of one name."""
    return ServiceError("ResourceInUse", "The ID or Name specified is already in use.")


def needed(what: str, arn: str, by: str) -> ServiceError:
    """Return the refusal to delete what others need."""
    return ServiceError("ResourceInUse", f"Unable to delete {what} [{arn}] because {by}(s) are associated with it.")
