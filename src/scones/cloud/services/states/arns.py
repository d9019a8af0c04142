"""The ARNs of Step Functions, taken apart."""

from __future__ import annotations

import re

from scones.cloud.errors import ServiceError

_MACHINE = re.compile(r"(arn:aws:states:[a-z0-9-]+:\d{12}:stateMachine:[^:/]+)(?::(\d+))?")
_EXECUTION = re.compile(r"arn:aws:states:[a-z0-9-]+:\d{12}:execution:[^:/]+(?:/[^:/]+)?:[^:]+")
_MAP_RUN = re.compile(r"arn:aws:states:[a-z0-9-]+:\d{12}:mapRun:[^:/]+/[^:/]+:[^:]+")


def machine_arn(arn: str) -> tuple[str, int | None]:
    """Return a machine's ARN without its version, and the version's number or None."""
    match = _MACHINE.fullmatch(arn)
    if match is None:
        raise _invalid(arn, "stateMachine")
    return match[1], int(match[2]) if match[2] else None


def execution_arn(arn: str) -> str:
    """Return an execution's ARN, checked."""
    if not _EXECUTION.fullmatch(arn):
        raise _invalid(arn, "execution")
    return arn


def map_run_arn(arn: str) -> str:
    """Return a Map Run's ARN, checked."""
    if not _MAP_RUN.fullmatch(arn):
        raise _invalid(arn, "mapRun")
    return arn


def _invalid(arn: str, wanted: str) -> ServiceError:
    if not arn.startswith("arn:"):
        return ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    kind = arn.split(":")[5] if arn.count(":") >= 5 else ""
    if arn.split(":")[2:3] == ["states"] and kind and kind != wanted:
        return ServiceError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {kind}'")
    return ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN: {arn}'")
