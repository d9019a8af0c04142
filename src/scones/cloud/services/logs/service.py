"""CloudWatch Logs: log groups, log streams and events."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.core.bulk_deletes import SLICE, delete_all
from scones.cloud.core.text_order import successor
from scones.cloud.core.text_size import utf8_size
from scones.cloud.core.time_slices import TimeSlices, sliced, sliced_if_on_thread, sliced_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.logs import search as log_search
from scones.cloud.services.logs.filter_patterns import parse_filter_pattern
from scones.cloud.services.logs.search import EVENT_OVERHEAD, EVENTS

log = logging.getLogger(__name__)

Event = tuple[int, str]
"""Time in milliseconds since 1970, and one line."""

_LAST = str(2**63 - 1)
"""The largest time or ID of an event, as 19 digits in a token."""
_END = 1 << 62
"""A bound above every event's time in milliseconds and every event's ID."""
UPLOAD_LIMIT = 1_048_576
"""Maximum size of an event, and of all events of a request, in bytes of UTF-8 plus AWS's overhead per event.

Source: API reference, "PutLogEvents". Until April 2025, the limit for an event was 256 KB.
"""
MAX_UNWRITTEN = 65_536
"""Size of a stream's unwritten events, in bytes including overhead, above which the writer has to wait."""
_COLUMNS = "id, at, ingested, message"


class Logs(Service):
    """Log groups and streams in the store; other services write with `append`."""

    name: ClassVar[str] = "logs"
    validation_code: ClassVar[str] = "InvalidParameterException"
    schema: ClassVar[str] = """
        CREATE TABLE IF NOT EXISTS log_groups (
            name TEXT PRIMARY KEY, created INTEGER NOT NULL, retention INTEGER, tags TEXT NOT NULL DEFAULT '{}'
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS log_streams (
            group_name TEXT NOT NULL REFERENCES log_groups(name) ON DELETE CASCADE, name TEXT NOT NULL,
            created INTEGER NOT NULL, first INTEGER, last INTEGER, ingested INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (group_name, name)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS log_events (
            id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, stream TEXT NOT NULL,
            at INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL,
            FOREIGN KEY (group_name, stream) REFERENCES log_streams(group_name, name) ON DELETE CASCADE
        );
        CREATE INDEX IF NOT EXISTS log_streams_by_last ON log_streams (group_name, coalesce(last, -1), name);
        CREATE INDEX IF NOT EXISTS log_events_by_stream ON log_events (group_name, stream, at, id);
        CREATE INDEX IF NOT EXISTS log_events_by_group ON log_events (group_name, at, id)
    """

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self._unwritten: Counter[tuple[str, str]] = Counter()
        """Size of unwritten events in bytes, by group and stream."""

    def append(self, group: str, stream: str, events: Iterable[Event]) -> asyncio.Future[None] | None:
        """Queue events for writing without waiting; group and stream are created on first use.

        If the stream's unwritten events exceed `MAX_UNWRITTEN`, returns a future to wait for before appending more.
        """
        batch = list(events)
        if not batch:
            return None
        written = self.cloud.store.submit(
            lambda connection: _append(connection, group, stream, batch, create=True), wait_for_space=True
        )
        key, size = (group, stream), _size(batch)
        self._unwritten[key] += size

        def settle(done: asyncio.Future[None]) -> None:
            self._unwritten[key] -= size
            if not self._unwritten[key]:
                del self._unwritten[key]
            if not done.cancelled() and (error := done.exception()):
                log.warning("%d log events of %s %s were lost: %s", len(batch), group, stream, error)

        written.add_done_callback(settle)
        return written if self._unwritten[key] > MAX_UNWRITTEN else None

    def deliver(self, group: str, stream: str, events: Iterable[Event]) -> None:
        """Queue events of an AWS service's log without waiting; they are dropped if the group does not exist."""
        batch = list(events)

        def write(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM log_groups WHERE name = ?", (group,)).fetchone():
                _append(connection, group, stream, batch, create=True)

        if batch:
            self.cloud.store.submit(write, wait_for_space=True)

    async def create_log_group(self, call: OperationCall) -> dict[str, Any]:
        """Create an empty group."""
        name, tags = call.params["logGroupName"], json.dumps(call.params.get("tags", {}))

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM log_groups WHERE name = ?", (name,)).fetchone():
                raise ServiceError("ResourceAlreadyExistsException", "The specified log group already exists")
            connection.execute("INSERT INTO log_groups (name, created, tags) VALUES (?, ?, ?)", (name, _now(), tags))

        await self.cloud.store.write(create)
        return {}

    async def delete_log_group(self, call: OperationCall) -> dict[str, Any]:
        """Delete a group with its streams and events."""
        store, name = self.cloud.store, call.params["logGroupName"]
        self._require_group(name)
        await delete_all(store, "log_events", "group_name = ?", name)
        streams = "SELECT name FROM log_streams WHERE group_name = ?1 LIMIT ?2"
        sql = f"DELETE FROM log_streams WHERE group_name = ?1 AND name IN ({streams})"  # noqa: S608
        while await store.execute(sql, name, SLICE) == SLICE:
            pass
        if not await store.execute("DELETE FROM log_groups WHERE name = ?", name):
            raise _no_group()
        return {}

    async def describe_log_groups(self, call: OperationCall) -> dict[str, Any]:
        """List groups by name."""
        params = call.params
        prefix, limit = params.get("logGroupNamePrefix", ""), params.get("limit", 50)
        rows = await self.cloud.store.read_on_thread(
            "SELECT *, (SELECT coalesce(sum(bytes), 0) FROM log_streams WHERE group_name = log_groups.name) AS bytes"
            " FROM log_groups WHERE name >= ?1 AND name > ?2 AND name < ?3"
            " AND (?4 = '' OR instr(lower(name), lower(?4))) ORDER BY name LIMIT ?5",
            prefix,
            _start_position(params),
            successor(prefix),
            params.get("logGroupNamePattern", ""),
            limit + 1,
        )
        return {"logGroups": [self._group(row) for row in rows[:limit]], "nextToken": _next(rows, limit, "name")}

    def _group(self, row: sqlite3.Row) -> dict[str, Any]:
        arn = self.cloud.arn("logs", f"log-group:{row['name']}")
        return {
            "logGroupName": row["name"],
            "creationTime": row["created"],
            "retentionInDays": row["retention"],
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "storedBytes": row["bytes"],
            "logGroupClass": "STANDARD",
        }

    async def create_log_stream(self, call: OperationCall) -> dict[str, Any]:
        """Create an empty stream."""
        group, name = call.params["logGroupName"], call.params["logStreamName"]

        def create(connection: sqlite3.Connection) -> None:
            _require_group(connection, group)
            found = connection.execute("SELECT 1 FROM log_streams WHERE group_name = ? AND name = ?", (group, name))
            if found.fetchone():
                raise ServiceError("ResourceAlreadyExistsException", "The specified log stream already exists")
            connection.execute(
                "INSERT INTO log_streams (group_name, name, created) VALUES (?, ?, ?)", (group, name, _now())
            )

        await self.cloud.store.write(create)
        return {}

    async def delete_log_stream(self, call: OperationCall) -> dict[str, Any]:
        """Delete a stream with its events."""
        group, name = call.params["logGroupName"], call.params["logStreamName"]
        await delete_all(self.cloud.store, "log_events", "group_name = ? AND stream = ?", group, name)
        if not await self.cloud.store.execute("DELETE FROM log_streams WHERE group_name = ? AND name = ?", group, name):
            raise _no_stream()
        return {}

    async def describe_log_streams(self, call: OperationCall) -> dict[str, Any]:
        """List a group's streams by name or last event; the last page has no token, because SDKs would loop on one."""
        group, prefix = self._group_of(call), call.params.get("logStreamNamePrefix", "")
        self._require_group(group)
        by_time, limit = call.params.get("orderBy") == "LastEventTime", call.params.get("limit", 50)
        if by_time and prefix:
            raise ServiceError("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
        compare, direction = ("<", "DESC") if call.params.get("descending") else (">", "ASC")
        position = "(coalesce(last, -1), name)" if by_time else "name"
        conditions: list[str] = ["group_name = ?"]
        values: list[Any] = [group]
        if prefix:
            conditions += ["name >= ?", "name < ?"]
            values += [prefix, successor(prefix)]
        if after := _start_position(call.params):
            conditions.append(f"{position} {compare} {'(?, ?)' if by_time else '?'}")
            values += _read_stream_token(after) if by_time else [after]
        order = f"coalesce(last, -1) {direction}, name {direction}" if by_time else f"name {direction}"
        rows = self.cloud.store.rows(
            f"SELECT *, coalesce(last, -1) || ':' || name AS place FROM log_streams WHERE {' AND '.join(conditions)}"  # noqa: S608
            f" ORDER BY {order} LIMIT ?",
            *values,
            limit + 1,
        )
        token = _next(rows, limit, "place" if by_time else "name")
        return {"logStreams": [self._stream(row) for row in rows[:limit]], "nextToken": token}

    def _stream(self, row: sqlite3.Row) -> dict[str, Any]:
        return {
            "logStreamName": row["name"],
            "creationTime": row["created"],
            "firstEventTimestamp": row["first"],
            "lastEventTimestamp": row["last"],
            "lastIngestionTime": row["ingested"],
            "uploadSequenceToken": None,
            "arn": self.cloud.arn("logs", f"log-group:{row['group_name']}:log-stream:{row['name']}"),
            "storedBytes": 0,  # AWS has reported 0 here since 2019
        }

    async def put_log_events(self, call: OperationCall) -> dict[str, Any]:
        """Write events to a stream that exists."""
        params = call.params
        events = [(event["timestamp"], event["message"]) for event in params["logEvents"]]
        if events != sorted(events, key=lambda event: event[0]):
            raise ServiceError(
                "InvalidParameterException",
                "Log events in a single PutLogEvents request must be in chronological order.",
            )
        _check_sizes([message for _, message in events])
        group, stream = params["logGroupName"], params["logStreamName"]
        await self.cloud.store.write(lambda connection: _append(connection, group, stream, events, create=False))
        return {"nextSequenceToken": "49039859627112345678901234567890123456789012345678901234"}

    async def get_log_events(self, call: OperationCall) -> dict[str, Any]:
        """Return a page of a stream's events; at the end, no events and the same forward token."""
        params, group = call.params, self._group_of(call)
        stream = params["logStreamName"]
        self._require_group(group)
        if not self.cloud.store.row("SELECT 1 FROM log_streams WHERE group_name = ? AND name = ?", group, stream):
            raise _no_stream()
        direction, mark = _position(params.get("nextToken"))
        forward = direction == "f" or (direction is None and params.get("startFromHead", False))
        compare, order = (">", "ASC") if forward else ("<", "DESC")
        after = "(at, id) " + compare + " (?, ?)" if mark else "(? IS NULL OR ? IS NULL)"
        sql = (
            f"SELECT {_COLUMNS} FROM log_events WHERE group_name = ? AND stream = ? AND at >= ? AND at < ?"  # noqa: S608
            f" AND {after} ORDER BY at {order}, id {order} LIMIT ?"
        )
        bounds = (
            params.get("startTime", 0),
            params.get("endTime", 1 << 62),
            *(mark or (None, None)),
            params.get("limit", EVENTS),
        )
        rows = await self.cloud.store.read_on_thread_with(
            lambda connection: log_search.page(sliced_on_thread(connection.execute(sql, (group, stream, *bounds))))
        )
        if not forward:
            rows.reverse()
        first, last = ((rows[0]["at"], rows[0]["id"]), (rows[-1]["at"], rows[-1]["id"])) if rows else (mark, mark)
        async with TimeSlices() as slices:
            events = [_event(row) async for row in sliced(rows, slices)]
        return {
            "events": events,
            "nextForwardToken": _token("f", last or (0, 0)),
            "nextBackwardToken": _token("b", first or (0, 0)),
        }

    async def filter_log_events(self, call: OperationCall) -> dict[str, Any]:
        """Find events of a group by time, stream and pattern.

        A page searches a limited number of events, as on AWS: it can be empty and still have a token for the next page.
        """
        params, group = call.params, self._group_of(call)
        self._require_group(group)
        pattern = parse_filter_pattern(params.get("filterPattern", ""))
        names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix", "")
        if names is not None and prefix:
            text = "logStreamNamePrefix and logStreamNames are mutually exclusive."
            raise ServiceError("InvalidParameterException", text)
        _, mark = _position(params.get("nextToken"))

        def in_stream(name: str) -> bool:
            return name.startswith(prefix) and (names is None or name in names)

        async with TimeSlices() as slices:
            begin = mark or (params.get("startTime", 0), -1)
            streams: list[str] | None = None
            if names is not None:
                streams = sorted(set(names))
            elif prefix:
                streams = log_search.streams_with(self.cloud.store, group, prefix)
            rows = log_search.events(self.cloud.store, group, streams, begin, params.get("endTime", _END), slices)
            found, rest = await log_search.search(rows, pattern, in_stream, params.get("limit", EVENTS), slices)
            events = [
                {"logStreamName": row["stream"], "eventId": f"{row['id']:056d}", **_event(row)}
                async for row in sliced(found, slices)
            ]
        return {
            "events": events,
            "searchedLogStreams": [],
            "nextToken": _token("f", rest) if rest else None,
        }

    async def put_retention_policy(self, call: OperationCall) -> dict[str, Any]:
        """Store a group's retention period; it has no effect, because the local cloud keeps all events."""
        name, days = call.params["logGroupName"], call.params["retentionInDays"]
        if not await self.cloud.store.execute("UPDATE log_groups SET retention = ? WHERE name = ?", days, name):
            raise _no_group()
        return {}

    def _group_of(self, call: OperationCall) -> str:
        """Return the name of the group that a call gives by name or ARN."""
        given: str | None = call.params.get("logGroupName") or call.params.get("logGroupIdentifier")
        if given is None:
            raise ServiceError("InvalidParameterException", "Either logGroupName or logGroupIdentifier must be given.")
        if not given.startswith("arn:"):
            return given
        _, separator, name = given.partition(":log-group:")
        if not separator:
            raise ServiceError("InvalidParameterException", f"{given} is not the ARN of a log group.")
        return name.removesuffix(":*")

    def _require_group(self, name: str) -> None:
        if not self.cloud.store.row("SELECT 1 FROM log_groups WHERE name = ?", name):
            raise _no_group()


def _append(connection: sqlite3.Connection, group: str, stream: str, events: Sequence[Event], *, create: bool) -> None:
    now = _now()
    if create:
        connection.execute("INSERT OR IGNORE INTO log_groups (name, created) VALUES (?, ?)", (group, now))
        connection.execute(
            "INSERT OR IGNORE INTO log_streams (group_name, name, created) VALUES (?, ?, ?)", (group, stream, now)
        )
    else:
        _require_group(connection, group)
    size = _size(events)
    updated = connection.execute(
        "UPDATE log_streams SET first = min(coalesce(first, ?1), ?1), last = max(coalesce(last, ?2), ?2),"
        " ingested = ?3, bytes = bytes + ?4 WHERE group_name = ?5 AND name = ?6",
        (min(at for at, _ in events), max(at for at, _ in events), now, size, group, stream),
    )
    if not updated.rowcount:
        raise _no_stream()
    connection.executemany(
        "INSERT INTO log_events (group_name, stream, at, ingested, message) VALUES (?, ?, ?, ?, ?)",
        ((group, stream, at, now, message) for at, message in sliced_if_on_thread(events)),
    )


def _check_sizes(messages: Sequence[str]) -> None:
    """Raise `ServiceError` for events that are too large; the message's wording is from SDK users' reports."""
    sizes = [utf8_size(message) + EVENT_OVERHEAD for message in messages]
    for what, size in (("Log event", max(sizes)), ("Upload", sum(sizes))):
        if size > UPLOAD_LIMIT:
            message = f"{what} too large: {size} bytes exceeds limit of {UPLOAD_LIMIT}"
            raise ServiceError("InvalidParameterException", message)


def _size(events: Iterable[Event]) -> int:
    return sum(utf8_size(message) + EVENT_OVERHEAD for _, message in events)


def _require_group(connection: sqlite3.Connection, name: str) -> None:
    if not connection.execute("SELECT 1 FROM log_groups WHERE name = ?", (name,)).fetchone():
        raise _no_group()


def _no_group() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "The specified log group does not exist.")


def _no_stream() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")


def _event(row: sqlite3.Row) -> dict[str, Any]:
    return {"timestamp": row["at"], "message": row["message"], "ingestionTime": row["ingested"]}


def _now() -> int:
    return time.time_ns() // 1_000_000


def _start_position(params: Mapping[str, Any]) -> str:
    """Return the list position after which the page starts; empty for the first page."""
    if not params.get("nextToken"):
        return ""
    try:
        return base64.b64decode(params["nextToken"], validate=True).decode()
    except ValueError:
        raise _invalid_token() from None


def _next(rows: Sequence[sqlite3.Row], limit: int, position: str) -> str | None:
    """Return the next page's token, or None; `rows` were read with a limit of `limit` plus one."""
    return base64.b64encode(str(rows[limit - 1][position]).encode()).decode() if len(rows) > limit else None


def _read_stream_token(position: str) -> list[Any]:
    last, separator, name = position.partition(":")
    if not separator or not re.fullmatch(r"-1|[0-9]{1,18}", last):
        raise _invalid_token()
    return [int(last), name]


def _invalid_token() -> ServiceError:
    return ServiceError("InvalidParameterException", "The specified nextToken is invalid.")


def _token(direction: str, mark: tuple[int, int]) -> str:
    return f"{direction}/{mark[0]:020d}{mark[1]:020d}"


def _position(token: str | None) -> tuple[str | None, tuple[int, int] | None]:
    """Return a token's direction and the (time, ID) that it encodes."""
    if not token:
        return None, None
    parsed = re.fullmatch(r"([fb])/0([0-9]{19})0([0-9]{19})", token)
    if not parsed or max(parsed[2], parsed[3]) > _LAST:
        raise _invalid_token()
    return parsed[1], (int(parsed[2]), int(parsed[3]))
