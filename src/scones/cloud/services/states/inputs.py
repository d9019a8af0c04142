"""The input of an execution, as a caller gives it."""

from __future__ import annotations

import json

from scones.cloud.errors import ServiceError
from scones.cloud.services.states.text import too_large


def checked_input(text: str) -> str:
    """Return a text that is JSON within the limit, or raise AWS's error."""
    if too_large(text):
        raise ServiceError(
            "InvalidExecutionInput", "Invalid State Machine Execution Input: 'The input exceeds 262144 bytes of UTF-8'"
        )
    try:
        json.loads(text)
    except ValueError as error:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
    return text
