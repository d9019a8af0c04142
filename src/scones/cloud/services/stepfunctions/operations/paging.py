"""Pages of a list: each begins after the last row of the previous page; the token contains the key of that row."""

from __future__ import annotations

import base64
import re
from typing import Any

from scones.cloud.errors import ServiceError

DEFAULT = 100
"""Rows of a page if maxResults is absent or 0, as on AWS."""
LAST = 2**63 - 1
"""Largest possible number of a row."""
_PREFIX = "after:"


def page_size(params: dict[str, Any]) -> int:
    """Return the number of rows that a call requests."""
    return params.get("maxResults") or DEFAULT


def after_text(params: dict[str, Any]) -> str:
    """Return the key after which the page begins; empty for the first page. Raises InvalidToken."""
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
    """Return the number after which the page begins; `first` for the first page. Raises InvalidToken."""
    text = after_text(params)
    if not text:
        return first
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise _invalid()
    return int(text)


def page(member: str, rows: list[tuple[str | int, dict[str, Any]]], size: int) -> dict[str, Any]:
    """Return a page of at most `size` of the rows, given with their keys, and a token if there are more rows."""
    answer: dict[str, Any] = {member: [listed for _, listed in rows[:size]]}
    if len(rows) > size:
        answer["nextToken"] = base64.urlsafe_b64encode(f"{_PREFIX}{rows[size - 1][0]}".encode()).decode()
    return answer


def _invalid() -> ServiceError:
    return ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
