"""Pages of IAM's lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scones.cloud.core.pages import page
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

_ITEMS = 100
"""Number of items per page, unless the request asks for fewer or more."""


def list_page(name: str, items: Sequence[Any], params: Members) -> Members:
    """Return one page of a list as the member `name`, with IAM's marker of the next page."""
    marker = params.get("Marker")
    refusal = ServiceError("ValidationError", f"Invalid Marker: {marker}")  # AWS's message is not documented
    found, token = page(items, marker, params.get("MaxItems", _ITEMS), refusal)
    return {name: found, "IsTruncated": token is not None, "Marker": token}
