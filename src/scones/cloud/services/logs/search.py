"""Paged reads of log events in bounded steps."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from scones.cloud.core.store import Store
from scones.cloud.core.text_size import utf8_size
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.services.logs.filter_patterns import FilterPattern

EVENTS = 10_000
"""Maximum number of events per page, unless the request asks for fewer."""
PAGE_BYTES = 1_048_576
"""Maximum size of a page in bytes: API reference, "GetLogEvents" and "FilterLogEvents"."""
EVENT_OVERHEAD = 26
"""Bytes that AWS counts for each event in addition to its message."""
MAX_SEARCHED_EVENTS = 100_000
"""Maximum number of events that FilterLogEvents searches for one page; AWS's limit is not known.

Each 1,000 characters of a message count as one more event.
"""
BATCH_EVENTS = 100
"""Number of events that are read at once."""
STREAMS = 100
"""Maximum number of streams that are read separately, AWS's limit on stream names per request."""

EventPosition = tuple[int, int]
"""An event's time in milliseconds since 1970, and its ID."""


class EventPage:
    """The events of a response, up to AWS's limits on their number and size."""

    def __init__(self, limit: int) -> None:
        self.rows: list[sqlite3.Row] = []
        self._limit = limit
        self._bytes = 0

    def add(self, row: sqlite3.Row) -> bool:
        """Add an event, or return False if the page is full."""
        size = utf8_size(row["message"]) + EVENT_OVERHEAD
        if self.rows and (len(self.rows) >= self._limit or self._bytes + size > PAGE_BYTES):
            return False
        self.rows.append(row)
        self._bytes += size
        return True


def page(rows: Iterable[sqlite3.Row]) -> list[sqlite3.Row]:
    """Return as many of the first rows as fit on a page."""
    found = EventPage(EVENTS)
    for row in rows:
        if not found.add(row):
            break
    return found.rows


async def search(
    rows: AsyncIterator[sqlite3.Row],
    pattern: FilterPattern,
    in_stream: Callable[[str], bool],
    limit: int,
    slices: TimeSlices,
) -> tuple[list[sqlite3.Row], EventPosition | None]:
    """Return the events of one page, and the position after which the next page starts, or None at the end."""
    found, searched = EventPage(limit), 0
    position: EventPosition | None = None
    async for row in rows:
        if searched >= MAX_SEARCHED_EVENTS:
            return found.rows, position
        searched += 1 + len(row["message"]) // 1000
        if in_stream(row["stream"]) and await pattern.matches(row["message"], slices) and not found.add(row):
            return found.rows, position
        position = (row["at"], row["id"])
    return found.rows, None


async def events(
    store: Store, group: str, streams: Sequence[str] | None, position: EventPosition, end: int, slices: TimeSlices
) -> AsyncIterator[sqlite3.Row]:
    """Yield events after `position` up to `end` (milliseconds since 1970), sorted by time.

    `streams` of None means all streams of the group. Named streams are read separately and merged, so that the events
    of other streams cost nothing.
    """
    if streams is None:
        rows = _rows(store, "group_name = ?", (group,), position, end, BATCH_EVENTS)
    else:
        batch = max(1, BATCH_EVENTS // max(1, len(streams)))
        each = (_rows(store, "group_name = ? AND stream = ?", (group, name), position, end, batch) for name in streams)
        rows = heapq.merge(*each, key=lambda row: (row["at"], row["id"]))
    for row in rows:
        if slices.used_up():
            await slices.pause()
        yield row


def _rows(
    store: Store, of: str, values: tuple[str, ...], position: EventPosition, end: int, size: int
) -> Iterator[sqlite3.Row]:
    """Yield events sorted by time, reading `size` at once.

    Each batch reads two index ranges: the rest of the position's millisecond, and the time after it. In a search for
    `(at, id) > (?, ?)`, SQLite does not use `id`, so each batch would read all events of that millisecond again.
    """
    select = f"SELECT id, stream, at, ingested, message FROM log_events WHERE {of}"  # noqa: S608
    same_time = f"{select} AND at = ? AND id > ? ORDER BY id LIMIT ?"
    later = f"{select} AND at > ? AND at <= ? ORDER BY at, id LIMIT ?"
    while position[0] <= end:
        batch = store.rows(same_time, *values, *position, size)
        if len(batch) < size:
            batch += store.rows(later, *values, position[0], end, size - len(batch))
        yield from batch
        if len(batch) < size:
            return
        position = (batch[-1]["at"], batch[-1]["id"])


def streams_with(store: Store, group: str, prefix: str) -> list[str] | None:
    """Return a group's streams whose names start with a prefix, or None if there are more than `STREAMS`."""
    sql = "SELECT name FROM log_streams WHERE group_name = ? AND name >= ? AND name < ? ORDER BY name LIMIT ?"
    rows = store.rows(sql, group, prefix, prefix + chr(0x10FFFF), STREAMS + 1)
    return None if len(rows) > STREAMS else [row["name"] for row in rows]
