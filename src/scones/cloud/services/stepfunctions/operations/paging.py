"""Pages of a list: each begins after the last row of the previous page; the token contains the key of that row."""

from __future__ import annotations

from typing import Any

from scones.cloud.core.pages import query_page, read_key
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

DEFAULT = 100
"""Rows of a page if maxResults is absent or 0, as on AWS."""
LAST = 2**63 - 1
"""Largest possible number of a row."""


def page_size(params: Members) -> int:
    """Return the number of rows that a call requests."""
    return params.get("maxResults") or DEFAULT


def after_text(params: Members) -> str:
    """Return the key after which the page begins; empty for the first page. Raises InvalidToken."""
    token = params.get("nextToken")
    return str(read_key(token, [str], _invalid())[0]) if token else ""


def after_number(params: Members, first: int) -> int:
    """Return the number after which the page begins; `first` for the first page. Raises InvalidToken."""
    token = params.get("nextToken")
    return int(read_key(token, [int], _invalid())[0]) if token else first


def page(member: str, rows: list[tuple[str | int, dict[str, Any]]], size: int) -> dict[str, Any]:
    """Return a page of at most `size` of the rows, given with their keys, and a token if there are more rows."""
    found, token = query_page(rows, size, lambda row: [row[0]])
    response: dict[str, Any] = {member: [listed for _, listed in found]}
    return {**response, "nextToken": token} if token else response


def _invalid() -> ServiceError:
    return ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
