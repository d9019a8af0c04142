"""The user that signed a request."""

from __future__ import annotations

from scones.cloud.core.credentials import Caller
from scones.cloud.services.iam.errors import validation_error


def user_of(caller: Caller) -> str:
    """Return the name of the user that signed a request; raises `ServiceError` for a role's session."""
    if ":user/" not in caller.arn:
        raise validation_error("Must specify userName when calling with non-User credentials")
    return caller.arn.rpartition("/")[2]
