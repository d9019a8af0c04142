"""Pages of a list: the token carries where the next one begins."""

from __future__ import annotations

import base64
from typing import Any

from scones.cloud.errors import ServiceError

DEFAULT = 100


def page_bounds(params: dict[str, Any]) -> tuple[int, int]:
    """Return the offset and the size that a call asks for; a size of 0 is AWS's default of 100."""
    token = params.get("nextToken")
    return (_decode(token) if token else 0), params.get("maxResults") or DEFAULT


def page(member: str, rows: list[dict[str, Any]], offset: int, size: int) -> dict[str, Any]:
    """Return a page of rows that were read with one more than `size`, with a token where more follow."""
    answer: dict[str, Any] = {member: rows[:size]}
    if len(rows) > size:
        answer["nextToken"] = base64.urlsafe_b64encode(f"offset:{offset + size}".encode()).decode()
    return answer


def _decode(token: str) -> int:
    try:
        kind, _, offset = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "offset":
            return int(offset)
    except ValueError:
        pass
    raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
