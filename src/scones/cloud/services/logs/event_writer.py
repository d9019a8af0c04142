"""Writes of log events to the store."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.core.text_size import utf8_size
from scones.cloud.core.time_slices import sliced_if_on_thread
from scones.cloud.services.logs.errors import no_group, no_stream
from scones.cloud.services.logs.filter_deliveries import FilterDeliveries
from scones.cloud.services.logs.live_events import LiveEvents
from scones.cloud.services.logs.search import EVENT_OVERHEAD

log = logging.getLogger(__name__)

Event = tuple[int, str]
"""Time in milliseconds since 1970, and one line."""

MAX_UNWRITTEN = 65_536
"""Size of a stream's unwritten events, in bytes including overhead, above which the writer has to wait."""


class EventWriter:
    """Writes the events of requests and of other services."""

    def __init__(self, store: Store, deliveries: FilterDeliveries, live: LiveEvents) -> None:
        self._store = store
        self._deliveries = deliveries
        self._live = live
        self._unwritten: Counter[tuple[str, str]] = Counter()
        """Size of unwritten events in bytes, by group and stream."""

    async def put(self, group: str, stream: str, events: Sequence[Event]) -> None:
        """Write events to a stream that exists; raises `ServiceError` if it does not."""

        def write(connection: sqlite3.Connection) -> None:
            if not _group_exists(connection, group):
                raise no_group()
            self._insert(connection, group, stream, events)

        await self._store.write(write)
        self._announce(group, stream, events)

    def append(self, group: str, stream: str, events: Iterable[Event]) -> asyncio.Future[None] | None:
        """Queue events for writing without waiting; group and stream are created on first use.

        If the stream's unwritten events exceed `MAX_UNWRITTEN`, returns a future to wait for before appending more.
        """
        batch = list(events)
        if not batch:
            return None
        written = self._store.submit(
            lambda connection: self._create_and_insert(connection, group, stream, batch), wait_for_space=True
        )
        key, size = (group, stream), _size(batch)
        self._unwritten[key] += size

        def settle(done: asyncio.Future[None]) -> None:
            self._unwritten[key] -= size
            if not self._unwritten[key]:
                del self._unwritten[key]
            if not done.cancelled() and (error := done.exception()):
                log.warning("%d log events of %s %s were lost: %s", len(batch), group, stream, error)
            else:
                self._announce(group, stream, batch)

        written.add_done_callback(settle)
        return written if self._unwritten[key] > MAX_UNWRITTEN else None

    def deliver(self, group: str, stream: str, events: Iterable[Event]) -> None:
        """Queue events of an AWS service's log without waiting; they are dropped if the group does not exist."""
        batch = list(events)

        def write(connection: sqlite3.Connection) -> None:
            if _group_exists(connection, group):
                self._create_and_insert(connection, group, stream, batch)

        if batch:
            written = self._store.submit(write, wait_for_space=True)
            written.add_done_callback(
                lambda done: None if done.cancelled() or done.exception() else self._announce(group, stream, batch)
            )

    def _announce(self, group: str, stream: str, events: Sequence[Event]) -> None:
        """Pass stored events to live tails, and start the deliveries to the group's filters."""
        self._deliveries.wake(group)
        self._live.publish(group, stream, events)

    def _create_and_insert(
        self, connection: sqlite3.Connection, group: str, stream: str, events: Sequence[Event]
    ) -> None:
        now = now_ms()
        connection.execute("INSERT OR IGNORE INTO log_groups (name, created) VALUES (?, ?)", (group, now))
        connection.execute(
            "INSERT OR IGNORE INTO log_streams (group_name, name, created) VALUES (?, ?, ?)", (group, stream, now)
        )
        self._insert(connection, group, stream, events)

    def _insert(self, connection: sqlite3.Connection, group: str, stream: str, events: Sequence[Event]) -> None:
        _insert(connection, group, stream, events)
        self._deliveries.put(connection, group, stream, events)


def _group_exists(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM log_groups WHERE name = ?", (name,)).fetchone() is not None


def _insert(connection: sqlite3.Connection, group: str, stream: str, events: Sequence[Event]) -> None:
    if not events:
        _require_stream(connection, group, stream)
        return
    now = now_ms()
    updated = connection.execute(
        "UPDATE log_streams SET first = min(coalesce(first, ?1), ?1), last = max(coalesce(last, ?2), ?2),"
        " ingested = ?3, bytes = bytes + ?4 WHERE group_name = ?5 AND name = ?6",
        (min(at for at, _ in events), max(at for at, _ in events), now, _size(events), group, stream),
    )
    if not updated.rowcount:
        raise no_stream()
    connection.executemany(
        "INSERT INTO log_events (group_name, stream, at, ingested, message) VALUES (?, ?, ?, ?, ?)",
        ((group, stream, at, now, message) for at, message in sliced_if_on_thread(events)),
    )


def _require_stream(connection: sqlite3.Connection, group: str, stream: str) -> None:
    sql = "SELECT 1 FROM log_streams WHERE group_name = ? AND name = ?"
    if connection.execute(sql, (group, stream)).fetchone() is None:
        raise no_stream()


def _size(events: Iterable[Event]) -> int:
    return sum(utf8_size(message) + EVENT_OVERHEAD for _, message in events)
