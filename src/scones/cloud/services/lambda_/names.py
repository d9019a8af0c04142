"""Function names in every form that AWS takes: a name, a partial ARN, an ARN, with or without a qualifier."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scones.cloud.errors import ServiceError

LATEST = "$LATEST"
NAME_LIMIT = 64
_FORM = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function's name, the version or alias that was asked for, and the place that an ARN names."""

    name: str
    qualifier: str | None = None
    region: str | None = None
    account: str | None = None

    @classmethod
    def parse(cls, given: str, qualifier: str | None = None) -> FunctionName:
        """Read a FunctionName parameter with its Qualifier; raises where the two name different qualifiers."""
        found = _FORM.fullmatch(given)
        if found is None:
            raise ServiceError("InvalidParameterValueException", f"Invalid function name: {given}", Type="User")
        if len(found["name"]) > NAME_LIMIT:
            raise ServiceError(
                "ValidationException",
                f"1 validation error detected: Value '{given}' at 'functionName' failed to satisfy constraint: "
                f"Member must have length less than or equal to {NAME_LIMIT}",
            )
        inside: str | None = found["qualifier"]
        if inside and qualifier and inside != qualifier:
            raise ServiceError(
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match the specified qualifier.",
                Type="User",
            )
        return cls(found["name"], inside or qualifier, found["region"], found["account"])
