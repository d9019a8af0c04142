"""Operations on log events."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.core.text_size import utf8_size
from scones.cloud.core.time_slices import TimeSlices, sliced, sliced_on_thread
from scones.cloud.service import OperationCall
from scones.cloud.services.logs import search
from scones.cloud.services.logs.errors import invalid, no_stream
from scones.cloud.services.logs.event_writer import Event, EventWriter
from scones.cloud.services.logs.filter_patterns import parse_filter_pattern
from scones.cloud.services.logs.group_names import existing_group
from scones.cloud.services.logs.page_tokens import event_position, event_token
from scones.cloud.services.logs.retention import DAY
from scones.cloud.services.logs.search import EVENT_OVERHEAD, EVENTS
from scones.cloud.wire.members import Members

UPLOAD_LIMIT = 1_048_576
"""Maximum size of an event, and of all events of a request, in bytes of UTF-8 plus AWS's overhead per event.

Source: API reference, "PutLogEvents". Until April 2025, the limit for an event was 256 KB.
"""
OLDEST = 14 * DAY
"""Age in milliseconds above which PutLogEvents rejects an event."""
NEWEST = 2 * 3_600_000
"""Milliseconds that an event may be in the future."""
_AFTER_ALL_EVENTS = 1 << 62
"""A bound above every event's time in milliseconds."""
_NEXT_SEQUENCE = "49039859627112345678901234567890123456789012345678901234"
"""AWS returns a sequence token for older clients; requests no longer need one (API reference, "PutLogEvents")."""


class LogEventOperations:
    """Operations that write, read and search events."""

    def __init__(self, store: Store, writer: EventWriter) -> None:
        self._store = store
        self._writer = writer

    async def put_log_events(self, call: OperationCall) -> Members:
        """Write events to a stream that exists."""
        params = call.params
        events = [(event["timestamp"], event["message"]) for event in params["logEvents"]]
        if events != sorted(events, key=lambda event: event[0]):
            raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
        _check_sizes([message for _, message in events])
        accepted, rejected = self._accepted(params["logGroupName"], events)
        await self._writer.put(params["logGroupName"], params["logStreamName"], accepted)
        return {"nextSequenceToken": _NEXT_SEQUENCE, "rejectedLogEventsInfo": rejected or None}

    def _accepted(self, group: str, events: list[Event]) -> tuple[list[Event], Members]:
        """Return the events that are neither too old nor too new, and the description of the others, as AWS has it."""
        now = now_ms()
        row = self._store.row("SELECT retention FROM log_groups WHERE name = ?", group)
        retention = row["retention"] * DAY if row and row["retention"] else None
        times = [at for at, _ in events]
        expired = bisect_left(times, now - retention) if retention else 0
        old, new = bisect_left(times, now - OLDEST), bisect_right(times, now + NEWEST)
        rejected: Members = {}
        if old > 0:
            rejected["tooOldLogEventEndIndex"] = old
        if new < len(events):
            rejected["tooNewLogEventStartIndex"] = new
        if expired > 0:
            rejected["expiredLogEventEndIndex"] = expired
        return events[max(old, expired) : new], rejected

    async def get_log_events(self, call: OperationCall) -> Members:
        """Return a page of a stream's events; at the end, no events and the same forward token."""
        params, group = call.params, existing_group(self._store, call.params)
        stream = params["logStreamName"]
        if not self._store.row("SELECT 1 FROM log_streams WHERE group_name = ? AND name = ?", group, stream):
            raise no_stream()
        direction, position = event_position(params.get("nextToken"))
        forward = direction == "f" or (direction is None and params.get("startFromHead", False))
        compare, order = (">", "ASC") if forward else ("<", "DESC")
        after = f"(at, id) {compare} (?, ?)" if position else "(? IS NULL OR ? IS NULL)"
        sql = (
            "SELECT id, at, ingested, message FROM log_events"  # noqa: S608
            f" WHERE group_name = ? AND stream = ? AND at >= ? AND at < ? AND {after}"
            f" ORDER BY at {order}, id {order} LIMIT ?"
        )
        values = (
            group,
            stream,
            params.get("startTime", 0),
            params.get("endTime", _AFTER_ALL_EVENTS),
            *(position or (None, None)),
            params.get("limit", EVENTS),
        )
        rows = await self._store.read_on_thread_with(
            lambda connection: search.page(sliced_on_thread(connection.execute(sql, values)))
        )
        if not forward:
            rows.reverse()
        first, last = (_position(rows[0]), _position(rows[-1])) if rows else (position, position)
        async with TimeSlices() as slices:
            events = [_event(row) async for row in sliced(rows, slices)]
        return {
            "events": events,
            "nextForwardToken": event_token("f", last or (0, 0)),
            "nextBackwardToken": event_token("b", first or (0, 0)),
        }

    async def filter_log_events(self, call: OperationCall) -> Members:
        """Find events of a group by time, stream and pattern.

        A page searches a limited number of events, as on AWS: it can be empty and still have a token for the next page.
        """
        params, group = call.params, existing_group(self._store, call.params)
        pattern = parse_filter_pattern(params.get("filterPattern", ""))
        names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix", "")
        if names is not None and prefix:
            raise invalid("logStreamNamePrefix and logStreamNames are mutually exclusive.")
        _, position = event_position(params.get("nextToken"))

        def in_stream(name: str) -> bool:
            return name.startswith(prefix) and (names is None or name in names)

        async with TimeSlices() as slices:
            begin = position or (params.get("startTime", 0), -1)
            streams = self._searched_streams(group, names, prefix)
            rows = search.events(self._store, group, streams, begin, params.get("endTime", _AFTER_ALL_EVENTS), slices)
            found, rest = await search.search(rows, pattern, in_stream, params.get("limit", EVENTS), slices)
            events = [
                {"logStreamName": row["stream"], "eventId": f"{row['id']:056d}", **_event(row)}
                async for row in sliced(found, slices)
            ]
        return {
            "events": events,
            "searchedLogStreams": [],
            "nextToken": event_token("f", rest) if rest else None,
        }

    def _searched_streams(self, group: str, names: Sequence[str] | None, prefix: str) -> list[str] | None:
        """Return the names of the streams to read, or None for all streams of the group."""
        if names is not None:
            return sorted(set(names))
        return search.streams_with(self._store, group, prefix) if prefix else None


def _check_sizes(messages: Sequence[str]) -> None:
    """Raise `ServiceError` for events that are too large; the message's wording is from SDK users' reports."""
    sizes = [utf8_size(message) + EVENT_OVERHEAD for message in messages]
    for subject, size in (("Log event", max(sizes)), ("Upload", sum(sizes))):
        if size > UPLOAD_LIMIT:
            raise invalid(f"{subject} too large: {size} bytes exceeds limit of {UPLOAD_LIMIT}")


def _position(row: sqlite3.Row) -> search.EventPosition:
    return row["at"], row["id"]


def _event(row: sqlite3.Row) -> Members:
    return {"timestamp": row["at"], "message": row["message"], "ingestionTime": row["ingested"]}
