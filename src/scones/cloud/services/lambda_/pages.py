"""Pages of lists in Lambda's format."""

from __future__ import annotations

from typing import Any

from scones.cloud.core import pages
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members


def page(name: str, items: list[Any], params: Members) -> Members:
    """Return one page of a list of any output members in Lambda's format: 50 items unless MaxItems is given."""
    marker = params.get("Marker")
    refusal = ServiceError("InvalidParameterValueException", f"Marker {marker} was not returned by an earlier request.")
    found, token = pages.page(items, marker, params.get("MaxItems", 50), refusal)
    return {name: found, "NextMarker": token}
