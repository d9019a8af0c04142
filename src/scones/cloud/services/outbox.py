"""Deliveries between services: on disk until they are made, and made after a crash."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.errors import DiskFullError, ServiceError, no_room
from scones.cloud.resumption import Leftover
from scones.cloud.turns import in_turns

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 4.0, 16.0)
"""The waits after a failure that is not the caller's fault."""
_TOGETHER = 10

Payload = dict[str, Any]


class Outbox:
    """A table of deliveries; each lane (one subscription, one target) goes on by itself.

    `deliver` makes one delivery or raises `ServiceError`; `failed` is told of one that is given up. A delivery may
    be made twice where the cloud is killed in between, as AWS's may. Lanes that are `ordered` deliver one by one.
    """

    def __init__(
        self,
        cloud: Cloud,
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
        self._after = 0
        """The number up to which deliveries are left alone."""

    @staticmethod
    def schema(table: str) -> str:
        """Return the statements that create an outbox's table."""
        return (
            f"CREATE TABLE IF NOT EXISTS {table} ("
            " id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);"
            f"CREATE INDEX IF NOT EXISTS {table}_by_lane ON {table} (lane)"
        )

    def put(self, connection: sqlite3.Connection, lanes: Iterable[str], payload: Payload) -> None:
        """Keep a delivery for each lane, inside a write; call `wake` when that is on disk."""
        text = json.dumps(payload)
        connection.executemany(
            f"INSERT INTO {self._table} (lane, payload) VALUES (?, ?)",  # noqa: S608 - the table's name is our own
            in_turns((lane, text) for lane in lanes),
        )

    def wake(self, lanes: Iterable[str]) -> None:
        """Begin to deliver what lies in these lanes, where that has not begun."""
        for lane in lanes:
            if lane not in self._pumping:
                self._pumping.add(lane)
                self._cloud.spawn(self._pump(lane), name=f"{self._table} {lane}")

    def start(self) -> None:
        """Plan to go on with what a former process left; with `recover` it stays where it is, and only new is sent."""
        query = f"SELECT lane, min(id) AS first, max(id) AS last FROM {self._table} GROUP BY lane"  # noqa: S608
        rows = self._cloud.store.rows(query)
        self._cloud.resumption.plan(self._leftover(row["lane"], row["first"]) for row in rows)
        if self._cloud.resumption.recover:
            self._after = max((row["last"] for row in rows), default=0)

    def _leftover(self, lane: str, first: int) -> Leftover:
        async def take_up() -> None:
            self.wake([lane])

        async def give_up(reason: str) -> None:
            """Give up the first delivery of the lane, and go on with the next."""
            row = self._cloud.store.row(f"SELECT payload FROM {self._table} WHERE id = ?", first)  # noqa: S608
            if row is not None:
                await self._give_up(lane, json.loads(row["payload"]), ServiceError("InternalFailure", reason, 500))
                await self._cloud.store.execute(f"DELETE FROM {self._table} WHERE id = ?", first)  # noqa: S608
            self.wake([lane])

        return Leftover("delivery", " ".join([self._table, *lane.split()]), take_up, give_up, f"number {first}")

    async def _pump(self, lane: str) -> None:
        query = f"SELECT id, payload FROM {self._table} WHERE lane = ? AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
        together = 1 if self._ordered(lane) else _TOGETHER
        try:
            while rows := self._cloud.store.rows(query, lane, self._after, together):
                await asyncio.gather(*(self._attempt_row(lane, row) for row in rows))
                await self._cloud.store.execute(
                    f"DELETE FROM {self._table} WHERE lane = ? AND id BETWEEN ? AND ?",  # noqa: S608
                    lane, rows[0]["id"], rows[-1]["id"],
                )  # fmt: skip
        finally:
            self._pumping.discard(lane)

    async def _attempt_row(self, lane: str, row: sqlite3.Row) -> None:
        try:
            payload = json.loads(row["payload"])
        except (TypeError, ValueError) as error:
            log.error("Delivery %d of %s is damaged and dropped (%s): %.1000s", row["id"], lane, error, row["payload"])
            return
        await self._attempt(lane, payload)

    async def _attempt(self, lane: str, payload: Payload) -> None:
        for wait in (*RETRY_SECONDS, None):
            while isinstance(error := await self._once(lane, payload), DiskFullError):
                await self._cloud.store.room()
                await asyncio.sleep(RETRY_SECONDS[0])
            if error is None:
                return
            if wait is None or error.status < 500 or error.status == 501:
                await self._give_up(lane, payload, error)
                return
            await asyncio.sleep(wait)

    async def _give_up(self, lane: str, payload: Payload, error: ServiceError) -> None:
        try:
            await self._failed(lane, payload, error)
        except Exception:  # it is gone, and the lane goes on with the next
            log.exception("A delivery of %s was given up (%s), and nobody could be told", self._table, error)

    async def _once(self, lane: str, payload: Payload) -> ServiceError | None:
        """Make a delivery; return why it failed. A fault of the cloud's own is tried again, and holds up no other."""
        try:
            await self._deliver(lane, payload)
        except ServiceError as error:
            return error
        except Exception as error:
            if no_room(error):
                return DiskFullError()
            log.exception("A delivery of %s failed", self._table)
            return ServiceError("InternalFailure", "The local cloud failed; its log tells why.", 500)
        return None
