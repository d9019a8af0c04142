"""The cloud's state: one SQLite database in WAL mode, one writer with group commit."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_Job = tuple[Work[Any], "asyncio.Future[Any]"]

GROUP = 512
"""The most writes that share one commit."""


class Store:
    """A durable store: what `write` has returned is on disk, and survives `kill -9` and power loss.

    Writes run in the order in which they were handed in, on one thread; those that wait together share one
    transaction and one fsync, each in its own savepoint, so that one that raises undoes only itself. Reads see
    what has been committed; they are for the event loop's thread and for look-ups of a few rows (tens of
    microseconds); longer ones belong in `read_aside`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reader = self._connect()
        self._idle: list[sqlite3.Connection] = []
        """Connections that no long read uses now: a new one takes longer than most reads."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=30000;"
            "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
        )
        return connection

    async def define(self, schema: str) -> None:
        """Create tables: `schema` is a script of CREATE … IF NOT EXISTS statements."""

        def create(connection: sqlite3.Connection) -> None:
            for statement in schema.split(";"):
                connection.execute(statement)

        await self.write(create)

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Hand in a write without waiting: the future ends when it is on disk. Call on the event loop."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((work, future))
        return future

    async def write(self, work: Work[T]) -> T:
        """Run `work` with the writing connection and return its result once it is on disk."""
        return await self.submit(work)

    async def execute(self, sql: str, *parameters: Any) -> int:
        """Run one writing statement; return the number of rows that it changed, once that is on disk."""
        return await self.submit(lambda connection: connection.execute(sql, parameters).rowcount)

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Return the rows of a short query."""
        return self._reader.execute(sql, parameters).fetchall()

    def row(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        """Return the first row of a short query, or None."""
        row: sqlite3.Row | None = self._reader.execute(sql, parameters).fetchone()
        return row

    async def read_aside(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Return the rows of a long query, read on another thread."""
        return await self.read_with(lambda connection: connection.execute(sql, parameters).fetchall())

    async def read_with(self, work: Work[T]) -> T:
        """Run a long read on another thread and return its result; all its queries see the same snapshot."""

        def read() -> T:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                connection.execute("ROLLBACK")
                self._idle.append(connection)

        return await asyncio.to_thread(read)

    async def close(self) -> None:
        """Finish all writes and close."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        for connection in (self._reader, *self._idle):
            connection.close()

    def _run(self) -> None:
        connection = self._connect()
        closing = False
        while not closing:
            group: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                group.append(job)
                if len(group) == GROUP or self._jobs.empty():
                    break
                job = self._jobs.get()
            closing = job is None
            self._commit(connection, group)
        connection.close()

    def _commit(self, connection: sqlite3.Connection, group: list[_Job]) -> None:
        outcomes: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, future in group:
                connection.execute("SAVEPOINT job")
                try:
                    outcomes.append((future, work(connection), None))
                except Exception as error:
                    connection.execute("ROLLBACK TO job")
                    outcomes.append((future, None, error))
                connection.execute("RELEASE job")
            connection.execute("COMMIT")
        except sqlite3.Error as error:  # the disk is full or gone: nothing of this group is on disk, and all are told
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            outcomes = [(future, None, error) for _, future in group]
        if outcomes:
            self._loop.call_soon_threadsafe(_settle, outcomes)


def _settle(outcomes: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, result, error in outcomes:
        if future.done():  # whoever asked has gone away
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
