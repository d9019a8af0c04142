"""Session tags, and the rules that STS has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members


class SessionTags(NamedTuple):
    """The tags of a new session: those that the request sets, and those that further sessions inherit."""

    own: Mapping[str, str]
    transitive: Mapping[str, str]


def session_tags(params: Members, inherited: Mapping[str, str]) -> SessionTags:
    """Return the tags of a new session; `inherited` are the transitive tags of the caller's session.

    Raises `ServiceError` (InvalidParameterValue): keys are compared without their case.
    """
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    folded = [tag["Key"].lower() for tag in params.get("Tags", [])]
    if len(set(folded)) < len(folded):
        raise _invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if {key.lower() for key in inherited} & set(folded):
        raise _invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from"
            " the calling session."
        )
    keys = {key.lower() for key in params.get("TransitiveTagKeys", [])}
    if not keys <= set(folded):
        raise _invalid("The specified transitive tag key must be included in the requested tags.")
    passed_on = {key: value for key, value in tags.items() if key.lower() in keys}
    return SessionTags(tags, {**inherited, **passed_on})


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message)
