"""The group that a request names."""

from __future__ import annotations

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.logs.errors import invalid, no_group
from scones.cloud.wire.members import Members


def existing_group(store: Store, params: Members) -> str:
    """Return the name of the group that a request gives by name or ARN; raises `ServiceError` if it does not exist."""
    group = group_name(params)
    require_group(store, group)
    return group


def require_group(store: Store, name: str) -> None:
    """Raise `ServiceError` (ResourceNotFoundException) if a group does not exist."""
    if not store.row("SELECT 1 FROM log_groups WHERE name = ?", name):
        raise no_group()


def group_name(params: Members) -> str:
    """Return the name of the group that a request gives by name or ARN; raises `ServiceError`."""
    if "logGroupName" in params and "logGroupIdentifier" in params:
        raise ServiceError("ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    given: str | None = params.get("logGroupName") or params.get("logGroupIdentifier")
    if given is None:
        raise invalid("Either logGroupName or logGroupIdentifier must be given.")
    return group_of_arn(given) if given.startswith("arn:") else given


def group_of_arn(arn: str) -> str:
    """Return the name of the group with an ARN; raises `ServiceError` for other texts."""
    _, separator, name = arn.partition(":log-group:")
    if not separator:
        raise invalid(f"{arn} is not the ARN of a log group.")
    return name.removesuffix(":*")
