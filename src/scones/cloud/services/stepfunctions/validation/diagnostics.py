"""Diagnostics about a definition, including those of AWS's JSON parser."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scones.cloud.core import jackson

SCHEMA = "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding; `location` is a path into the definition such as `/States/Wait/Timestamp`."""

    code: str
    message: str
    location: str | None = None

    def __str__(self) -> str:
        """Return the finding in CreateStateMachine's wording; a missing location is "null", as on AWS."""
        where = "null" if self.location is None else self.location
        return f"{self.code}: {self.message} at {where}"


def unreadable(definition: str, error: json.JSONDecodeError) -> Diagnostic:
    """Return the finding for a text that is not JSON, in the wording of AWS's parser."""
    found = jackson.convert_error(definition, error)
    source = jackson.source_location(definition, found)
    return Diagnostic("INVALID_JSON_DESCRIPTION", f"{found.message}\n at {source}", source)
