"""Pages of a list: each begins behind the last row of the page before, whose key the token carries."""

from __future__ import annotations

import base64
import re
from typing import Any

from scones.cloud.errors import ServiceError

DEFAULT = 100
"""Rows of a page where maxResults is absent or 0, as on AWS."""
LAST = 2**63 - 1
"""The largest number that a row can have."""
_PREFIX = "after:"


def page_size(params: dict[str, Any]) -> int:
    """Return the number of rows that a call asks for."""
    return params.get("maxResults") or DEFAULT


def after_text(params: dict[str, Any]) -> str:
    """Return the key behind which the page begins; empty for the first page."""
    token = params.get("nextToken")
    if not token:
        return ""
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise _invalid() from None
    if not text.startswith(_PREFIX):
        raise _invalid()
    return text.removeprefix(_PREFIX)


def after_number(params: dict[str, Any], first: int) -> int:
    """Return the number behind which the page begins; `first` for the first page."""
    text = after_text(params)
    if not text:
        return first
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise _invalid()
    return int(text)


def page(member: str, rows: list[tuple[str | int, dict[str, Any]]], size: int) -> dict[str, Any]:
    """Return a page of rows with their keys, read with one more than `size`; a token where more follow."""
    answer: dict[str, Any] = {member: [listed for _, listed in rows[:size]]}
    if len(rows) > size:
        answer["nextToken"] = base64.urlsafe_b64encode(f"{_PREFIX}{rows[size - 1][0]}".encode()).decode()
    return answer


def _invalid() -> ServiceError:
    return ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
