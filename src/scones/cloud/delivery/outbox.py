"""Deliveries between services, which stay on disk until they are made and so survive a crash."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Generic, TypeVar, cast

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.errors import DiskFullError, ServiceError, is_disk_full

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 4.0, 16.0)
"""Seconds to wait before each retry of a delivery that failed with a server error."""
_BATCH_SIZE = 10
"""Maximum number of concurrent deliveries of a lane."""
_MAX_CONCURRENT = 16
"""Maximum number of concurrent deliveries of an outbox; payloads of waiting deliveries are only on disk."""

Payload = TypeVar("Payload", bound=Mapping[str, object])
"""Type of what an outbox delivers; `json.dumps` writes it to the store."""


class Outbox(Generic[Payload]):
    """A table of deliveries; each lane (one subscription or one target) is processed independently.

    A payload for several lanes is stored once, in a second table: its deliveries have the numbers from `first` to
    `last`, and the column `payload` of each holds `first`.

    `deliver` makes one delivery or raises `ServiceError`; `failed` is called for a delivery that is given up. A
    delivery can be made twice if the cloud is killed after it, before the row is deleted; AWS can deliver twice, too.
    Lanes for which `ordered` returns True deliver one message at a time.
    """

    def __init__(
        self,
        cloud: CloudContext,
        table: str,
        deliver: Callable[[str, Payload], Awaitable[None]],
        failed: Callable[[str, Payload, ServiceError], Awaitable[None]],
        ordered: Callable[[str], bool] = lambda lane: False,  # noqa: ARG005
    ) -> None:
        self._cloud = cloud
        self._table = table
        self._deliver = deliver
        self._failed = failed
        self._ordered = ordered
        self._pumping: set[str] = set()
        self._free_slots = asyncio.Semaphore(_MAX_CONCURRENT)
        self._slots = asyncio.Lock()
        """Lock that each piece of work holds for one pass of the event loop, so that requests are served in between."""
        self._skip_until = 0
        """Deliveries with numbers up to this one are not made."""

    @staticmethod
    def schema(table: str) -> str:
        """Return the statements that create an outbox's tables."""
        return (
            f"CREATE TABLE IF NOT EXISTS {table} ("
            " id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);"
            f"CREATE INDEX IF NOT EXISTS {table}_by_lane ON {table} (lane);"
            f"CREATE TABLE IF NOT EXISTS {table}_payloads ("
            " first INTEGER PRIMARY KEY, last INTEGER NOT NULL, payload TEXT NOT NULL)"
        )

    def put(self, connection: sqlite3.Connection, lanes: Iterable[str], payload: Payload) -> None:
        """Store a delivery for each lane inside a write; call `wake` when the write is on disk."""
        table, text, lanes = self._table, json.dumps(payload), list(lanes)
        first = _next_number(connection, table)
        if len(lanes) > 1:
            connection.execute(
                f"INSERT INTO {table}_payloads VALUES (?, ?, ?)",  # noqa: S608 - the table's name is our own
                (first, first + len(lanes) - 1, text),
            )
            text = str(first)
        connection.executemany(
            f"INSERT INTO {table} (id, lane, payload) VALUES (?, ?, ?)",  # noqa: S608
            sliced_on_thread((number, lane, text) for number, lane in enumerate(lanes, first)),
        )

    def wake(self, lanes: Iterable[str]) -> None:
        """Start to process these lanes, except those that are being processed."""
        for lane in lanes:
            if lane not in self._pumping:
                self._pumping.add(lane)
                self._cloud.spawn(self._pump(lane), name=f"{self._table} {lane}")

    def start(self) -> None:
        """Plan the resumption of unfinished deliveries of an earlier process; with `recover`, make only new ones."""
        query = f"SELECT lane, min(id) AS first, max(id) AS last FROM {self._table} GROUP BY lane"  # noqa: S608
        rows = self._cloud.store.rows(query)
        self._cloud.resumption.plan(self._resumable(row["lane"], row["first"]) for row in rows)
        if self._cloud.resumption.recover:
            self._skip_until = max((row["last"] for row in rows), default=0)

    def _resumable(self, lane: str, first: int) -> ResumableWork:
        async def take_up() -> None:
            self.wake([lane])

        async def give_up(reason: str) -> None:
            """Give up the first delivery of the lane, and continue with the next."""
            if (payload := self._payload(first)) is not None:
                await self._give_up(lane, payload, ServiceError("InternalFailure", reason, 500))
                await self._cloud.store.write(lambda connection: self._remove(connection, [first]))
            self.wake([lane])

        return ResumableWork("delivery", " ".join([self._table, *lane.split()]), take_up, give_up, f"number {first}")

    async def _pump(self, lane: str) -> None:
        together = 1 if self._ordered(lane) else _BATCH_SIZE
        try:
            while numbers := await self._next_deliveries(lane, together):
                await asyncio.gather(*(self._attempt(lane, number) for number in numbers))
                await self._cloud.store.write(partial(self._remove, numbers=numbers))
        finally:
            self._pumping.discard(lane)

    async def _next_deliveries(self, lane: str, most: int) -> list[int]:
        """Return the numbers of the lane's next deliveries.

        Nothing is awaited after the query. If it finds nothing, the lane is idle at once, so that the `wake` of any
        later delivery starts it again.
        """
        async with self._slots:
            await asyncio.sleep(0)
            query = f"SELECT id FROM {self._table} WHERE lane = ? AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
            return [row["id"] for row in self._cloud.store.rows(query, lane, self._skip_until, most)]

    def _payload(self, number: int) -> Payload | None:
        """Return the payload of a delivery, or None if it is damaged or gone."""
        store, table = self._cloud.store, self._table
        row = store.row(f"SELECT lane, payload FROM {table} WHERE id = ?", number)  # noqa: S608
        if row is None:
            return None
        try:
            payload = json.loads(row["payload"])
            if isinstance(payload, int):
                shared = store.row(f"SELECT payload FROM {table}_payloads WHERE first = ?", payload)  # noqa: S608
                payload = json.loads(shared["payload"] if shared else "")
        except (TypeError, ValueError) as error:
            log.error(
                "Delivery %d of %s is damaged and was dropped (%s): %.1000s", number, row["lane"], error, row["payload"]
            )
            return None
        return cast("Payload", payload)

    def _remove(self, connection: sqlite3.Connection, numbers: list[int]) -> None:
        """Delete deliveries, and shared payloads that no other delivery needs."""
        table = self._table
        shared = set()
        for number in numbers:
            query = f"SELECT payload FROM {table} WHERE id = ? AND length(payload) < 20"  # noqa: S608
            row = connection.execute(query, (number,)).fetchone()
            if row is not None and row["payload"].isdecimal():
                shared.add(int(row["payload"]))
            connection.execute(f"DELETE FROM {table} WHERE id = ?", (number,))  # noqa: S608
        connection.executemany(
            f"DELETE FROM {table}_payloads WHERE first = ?"  # noqa: S608
            f" AND NOT EXISTS (SELECT 1 FROM {table} WHERE id BETWEEN first AND last)",
            [(first,) for first in shared],
        )

    async def _attempt(self, lane: str, number: int) -> None:
        for wait in (*RETRY_SECONDS, None):
            while isinstance(error := await self._deliver_once(lane, number, final=wait is None), DiskFullError):
                await self._cloud.store.wait_for_space()
                await asyncio.sleep(RETRY_SECONDS[0])
            if error is None or wait is None:
                return
            await asyncio.sleep(wait)

    async def _deliver_once(self, lane: str, number: int, *, final: bool) -> ServiceError | None:
        """Make a delivery or give it up; return an error if it must be retried."""
        async with self._free_slots:
            async with self._slots:
                await asyncio.sleep(0)
                payload = self._payload(number)
            if payload is None:
                return None
            error = await self._try_deliver(lane, payload)
            again = error is not None and error.status >= 500 and error.status != 501
            if isinstance(error, DiskFullError) or (again and not final):
                return error
            if error is not None:
                await self._give_up(lane, payload, error)
            return None

    async def _give_up(self, lane: str, payload: Payload, error: ServiceError) -> None:
        try:
            await self._failed(lane, payload, error)
        except Exception:  # the delivery is dropped, and the lane continues with the next
            log.exception("A delivery of %s has failed (%s), and its failure could not be handled", self._table, error)

    async def _try_deliver(self, lane: str, payload: Payload) -> ServiceError | None:
        """Make a delivery; return its error or None. An exception of the local cloud counts as a server error."""
        try:
            await self._deliver(lane, payload)
        except ServiceError as error:
            return error
        except Exception as error:
            if is_disk_full(error):
                return DiskFullError()
            log.exception("A delivery of %s failed", self._table)
            return ServiceError("InternalFailure", "Internal error of the local cloud; see its log.", 500)
        return None


def _next_number(connection: sqlite3.Connection, table: str) -> int:
    """Return the number after the highest one that the table has ever held."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608
    return int(max(row["seq"] if row else 0, last)) + 1
