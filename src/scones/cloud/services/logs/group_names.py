"""The group that a request names."""

from __future__ import annotations

from scones.cloud.core.store import Store
from scones.cloud.services.logs.errors import invalid, no_group
from scones.cloud.wire.members import Members


def existing_group(store: Store, params: Members) -> str:
    """Return the name of the group that a request gives by name or ARN; raises `ServiceError` if it does not exist."""
    group = _group_name(params)
    require_group(store, group)
    return group


def require_group(store: Store, name: str) -> None:
    """Raise `ServiceError` (ResourceNotFoundException) if a group does not exist."""
    if not store.row("SELECT 1 FROM log_groups WHERE name = ?", name):
        raise no_group()


def _group_name(params: Members) -> str:
    given: str | None = params.get("logGroupName") or params.get("logGroupIdentifier")
    if given is None:
        raise invalid("Either logGroupName or logGroupIdentifier must be given.")
    if not given.startswith("arn:"):
        return given
    _, separator, name = given.partition(":log-group:")
    if not separator:
        raise invalid(f"{given} is not the ARN of a log group.")
    return name.removesuffix(":*")
