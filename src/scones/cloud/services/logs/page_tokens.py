"""Tokens of pages: of lists of groups and streams, and of events."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scones.cloud.core.pages import page, read_key
from scones.cloud.services.logs.errors import invalid_token
from scones.cloud.services.logs.search import EventPosition
from scones.cloud.wire.members import Members

_LARGEST_NUMBER = str(2**63 - 1)
"""The largest time or ID of an event, as 19 digits in a token."""


def list_position(params: Members) -> str:
    """Return the name after which the page of a list starts; empty for the first page."""
    token = params.get("nextToken")
    return str(read_key(token, [str], invalid_token())[0]) if token else ""


def list_page(name: str, items: Sequence[Members], params: Members) -> Members:
    """Return a page of a list that is in memory as the member `name`, with the token of the next page."""
    found, token = page(items, params.get("nextToken"), params.get("limit", 50), invalid_token())
    return {name: found, "nextToken": token}


def event_token(direction: str, position: EventPosition) -> str:
    """Return the token of a page of events after (`f`) or before (`b`) a position."""
    return f"{direction}/{position[0]:020d}{position[1]:020d}"


def event_position(token: str | None) -> tuple[str | None, EventPosition | None]:
    """Return a token's direction and the position that it encodes."""
    if not token:
        return None, None
    parsed = re.fullmatch(r"([fb])/0([0-9]{19})0([0-9]{19})", token)
    if not parsed or max(parsed[2], parsed[3]) > _LARGEST_NUMBER:
        raise invalid_token()
    return parsed[1], (int(parsed[2]), int(parsed[3]))
