"""What AWS says of a definition: one finding, and the words of its JSON parser."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scones.cloud.services import jackson

SCHEMA = "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding; `location` is a path into the definition such as `/States/Wait/Timestamp`."""

    code: str
    message: str
    location: str | None = None

    def __str__(self) -> str:
        """Return the finding as CreateStateMachine words it: where there is no location, AWS writes null."""
        where = "null" if self.location is None else self.location
        return f"{self.code}: {self.message} at {where}"


def unreadable(definition: str, error: json.JSONDecodeError) -> Diagnostic:
    """Return the finding for a text that is no JSON, in the words of AWS's parser."""
    found = jackson.fault(definition, error)
    source = jackson.place(definition, found)
    return Diagnostic("INVALID_JSON_DESCRIPTION", f"{found.message}\n at {source}", source)
