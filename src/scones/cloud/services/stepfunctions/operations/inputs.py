"""Checks of members of requests: names, the input of an execution, the output of a task."""

from __future__ import annotations

import json

from scones.cloud.core import jackson
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.arns import BAD_NAME
from scones.cloud.services.stepfunctions.asl.text import MAX_DEPTH, too_deep, too_large


def checked_name(name: str) -> str:
    """Return the name of a machine, execution or activity, or raise InvalidName if AWS does not allow it."""
    if len(name) > 80 or not name or BAD_NAME.search(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")
    return name


def checked_input(text: str) -> str:
    """Return an execution's input; raise InvalidExecutionInput if it is not JSON, too large or nested too deeply."""
    if not text.strip():
        raise ServiceError("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'")
    return _checked(text, "InvalidExecutionInput", "Invalid State Machine Execution Input", "input")


def checked_output(text: str) -> str:
    """Return a task's output; raise InvalidOutput if it is not JSON, too large or nested too deeply."""
    return _checked(text, "InvalidOutput", "Invalid Output", "output")


def _checked(text: str, code: str, prefix: str, kind: str) -> str:
    if too_large(text):
        raise ServiceError(code, f"{prefix}: 'The {kind} exceeds 262144 bytes of UTF-8'")
    if too_deep(text):
        raise ServiceError(code, f"{prefix}: 'The {kind} is nested deeper than {MAX_DEPTH} levels'")
    try:
        json.loads(text, parse_constant=jackson.refuse_constant)
    except json.JSONDecodeError as error:
        raise ServiceError(code, f"{prefix}: '{jackson.convert_error(text, error).message}'") from error
    except ValueError as error:  # Python limits the digits of a number
        raise ServiceError(code, f"{prefix}: '{error}'") from error
    return text
