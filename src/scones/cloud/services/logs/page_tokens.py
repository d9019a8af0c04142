"""Tokens of pages: of lists of groups and streams, and of events."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Sequence

from scones.cloud.services.logs.errors import invalid_token
from scones.cloud.services.logs.search import EventPosition
from scones.cloud.wire.members import Members

_LARGEST = str(2**63 - 1)
"""The largest time or ID of an event, as 19 digits in a token."""


def list_position(params: Members) -> str:
    """Return the list position after which the page starts; empty for the first page."""
    if not params.get("nextToken"):
        return ""
    try:
        return base64.b64decode(params["nextToken"], validate=True).decode()
    except ValueError:
        raise invalid_token() from None


def next_list_token(rows: Sequence[sqlite3.Row], limit: int, column: str) -> str | None:
    """Return the next page's token, or None; `rows` were read with a limit of `limit` plus one."""
    return base64.b64encode(str(rows[limit - 1][column]).encode()).decode() if len(rows) > limit else None


def stream_position(position: str) -> tuple[int, str]:
    """Return the last event's time and the name of a stream, from its position in a list sorted by time."""
    last, separator, name = position.partition(":")
    if not separator or not re.fullmatch(r"-1|[0-9]{1,18}", last):
        raise invalid_token()
    return int(last), name


def event_token(direction: str, position: EventPosition) -> str:
    """Return the token of a page of events after (`f`) or before (`b`) a position."""
    return f"{direction}/{position[0]:020d}{position[1]:020d}"


def event_position(token: str | None) -> tuple[str | None, EventPosition | None]:
    """Return a token's direction and the position that it encodes."""
    if not token:
        return None, None
    parsed = re.fullmatch(r"([fb])/0([0-9]{19})0([0-9]{19})", token)
    if not parsed or max(parsed[2], parsed[3]) > _LARGEST:
        raise invalid_token()
    return parsed[1], (int(parsed[2]), int(parsed[3]))
