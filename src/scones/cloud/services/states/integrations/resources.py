"""What kind of resource a Task names."""

from __future__ import annotations

import re

_FUNCTION_ARN = re.compile(r"arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(?::[A-Za-z0-9_$-]+)?")


def is_function(resource: str) -> bool:
    """Whether a resource is a Lambda function's ARN."""
    return _FUNCTION_ARN.fullmatch(resource) is not None


def integration_name(resource: str) -> str | None:
    """Return what follows `arn:aws:states:REGION:ACCOUNT:` in the ARN of a service integration, or None."""
    parts = resource.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn" and parts[2:5] == ["states", "", ""]:
        return parts[5]
    return None
