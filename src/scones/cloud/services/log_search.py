"""Reading pages of log events in bounded steps."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable

from scones.cloud.services.filter_patterns import FilterPattern
from scones.cloud.store import Store
from scones.cloud.time_slices import TimeSlices

EVENTS = 10_000
"""Events of a page, unless the request asks for fewer."""
PAGE_BYTES = 1_048_576
"""Bytes of a page: API reference, "GetLogEvents" and "FilterLogEvents"."""
EVENT_OVERHEAD = 26
"""Bytes that AWS counts for each event besides its message."""
SEARCHED = 100_000
"""Events that a page of FilterLogEvents searches; each kilobyte of one counts as another. AWS's bound is not known."""
BATCH = 100
"""Events that are read at once."""

Position = tuple[int, int]
"""An event's time in milliseconds, and its id."""


class Page:
    """The events of an answer, up to AWS's bounds on their number and size."""

    def __init__(self, limit: int) -> None:
        self.rows: list[sqlite3.Row] = []
        self._limit = limit
        self._bytes = 0

    def add(self, row: sqlite3.Row) -> bool:
        """Add an event, or return False if the page is full."""
        size = len(row["message"]) + EVENT_OVERHEAD
        if self.rows and (len(self.rows) >= self._limit or self._bytes + size > PAGE_BYTES):
            return False
        self.rows.append(row)
        self._bytes += size
        return True


async def search(
    rows: AsyncIterator[sqlite3.Row],
    wanted: FilterPattern,
    in_stream: Callable[[str], bool],
    limit: int,
    slices: TimeSlices,
) -> tuple[list[sqlite3.Row], Position | None]:
    """Return the events of one page, and the position behind which the next page begins, or None at the end."""
    page, searched = Page(limit), 0
    position: Position | None = None
    async for row in rows:
        if searched >= SEARCHED:
            return page.rows, position
        searched += 1 + len(row["message"]) // 1000
        if in_stream(row["stream"]) and await wanted.matches(row["message"], slices) and not page.add(row):
            return page.rows, position
        position = (row["at"], row["id"])
    return page.rows, None


async def events(
    store: Store, group: str, position: Position, end: int, slices: TimeSlices
) -> AsyncIterator[sqlite3.Row]:
    """Yield a group's events behind a position, up to a time in milliseconds, in the order of their time.

    Each batch has two index ranges: the rest of the position's millisecond, and what follows. SQLite does not seek
    the second member of `(at, id) > (?, ?)`, so that many events of one millisecond would be read again and again.
    """
    while position[0] <= end:
        batch = store.rows(_SAME_TIME, group, *position, BATCH)
        if len(batch) < BATCH:
            batch += store.rows(_LATER, group, position[0], end, BATCH - len(batch))
        for row in batch:
            if slices.used_up():
                await slices.pause()
            yield row
        if len(batch) < BATCH:
            return
        position = (batch[-1]["at"], batch[-1]["id"])


_SELECT = "SELECT id, stream, at, ingested, message FROM log_events WHERE group_name = ?"
_SAME_TIME = f"{_SELECT} AND at = ? AND id > ? ORDER BY id LIMIT ?"
_LATER = f"{_SELECT} AND at > ? AND at <= ? ORDER BY at, id LIMIT ?"
