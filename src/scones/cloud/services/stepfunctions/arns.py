"""Checking and splitting the ARNs of Step Functions."""

from __future__ import annotations

import re

from scones.cloud.core.arns import Arn, service_of
from scones.cloud.errors import ServiceError

BAD_NAME = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U0010ffff]")
"""Characters that AWS forbids in names and labels (API Reference, "CreateStateMachine")."""
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
_MACHINE = re.compile(r"(arn:aws:states:[a-z0-9-]+:\d{12}:stateMachine:[^:/]+)(?::([a-zA-Z0-9_.-]+))?")
_EXECUTION = re.compile(r"arn:aws:states:[a-z0-9-]+:\d{12}:execution:[^:/]+(?:/[^:/]+)?:[^:]+")
_ACTIVITY = re.compile(r"arn:aws:states:[a-z0-9-]+:\d{12}:activity:[^:]+")
_MAP_RUN = re.compile(r"arn:aws:states:[a-z0-9-]+:\d{12}:mapRun:[^:/]+/[^:/]+:[^:]+")


def machine_arn(arn: str) -> tuple[str, str | None]:
    """Return a machine's ARN without its qualifier, and the qualifier: a version number, an alias name, or None."""
    match = _MACHINE.fullmatch(arn)
    if match is None:
        raise _invalid(arn, "stateMachine")
    return match[1], match[2]


def is_version(arn: str) -> bool:
    """Return True if a well-formed machine ARN names a version."""
    _, qualifier = machine_arn(arn)
    return qualifier is not None and qualifier.isdecimal()


def is_alias(arn: str) -> bool:
    """Return True if a well-formed machine ARN names an alias."""
    _, qualifier = machine_arn(arn)
    return qualifier is not None and not qualifier.isdecimal()


def activity_arn(arn: str) -> str:
    """Return an activity's ARN, or raise InvalidArn."""
    if not _ACTIVITY.fullmatch(arn):
        raise _invalid(arn, "activity")
    return arn


def execution_arn(arn: str) -> str:
    """Return an execution's ARN, or raise InvalidArn."""
    if not _EXECUTION.fullmatch(arn):
        raise _invalid(arn, "execution")
    return arn


def check_role(arn: str) -> None:
    """Raise InvalidArn if `arn` is not the ARN of a role."""
    if not _ROLE.fullmatch(arn):
        raise ServiceError("InvalidArn", f"Invalid Role Arn: '{arn}'")


def map_run_arn(arn: str) -> str:
    """Return a Map Run's ARN, or raise InvalidArn."""
    if not _MAP_RUN.fullmatch(arn):
        raise _invalid(arn, "mapRun")
    return arn


def _invalid(arn: str, expected_type: str) -> ServiceError:
    if not arn.startswith("arn:"):
        return ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    kind = Arn.parse(arn).resource_type if service_of(arn) == "states" else ""
    if kind and kind != expected_type:
        return ServiceError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {kind}'")
    return ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {arn}'")
