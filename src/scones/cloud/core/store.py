"""The cloud's state: one SQLite database in WAL mode, with one writer and group commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from scones.cloud.core.commit_mark import CommitMark
from scones.cloud.core.migrations import VERSION, migrate
from scones.cloud.errors import CloudError, DiskFullError

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MAX_WRITES_PER_COMMIT = 512
"""Maximum number of writes in one commit."""
RETRY_SECONDS = 1.0
"""Seconds between retries of writes that wait for disk space."""
WAITING_LIMIT = 100_000
"""Maximum number of writes that wait in memory for disk space; further ones are rejected."""
WAIT_FOR_SPACE: ContextVar[bool] = ContextVar("wait_for_space", default=False)
"""True in background work, whose writes wait for space on a full disk; writes of requests are rejected."""
_NO_ROOM = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,  # EDQUOT and EFBIG: a quota, or a limit on file sizes
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
    }
)


class _Write(NamedTuple):
    work: Work[Any]
    future: asyncio.Future[Any]
    waits_for_space: bool


class Store:
    """A durable store: a write that has returned is on disk, and survives `kill -9` and power loss.

    Writes run on one thread in the order of their submission. Writes that wait at the same time share one transaction
    and one fsync, each in its own savepoint, so that a failed write undoes only itself. Reads see committed data. They
    run on the event loop's thread and are for queries of a few rows (tens of microseconds); use `read_on_thread` for
    longer ones.

    If the disk is full, writes of background work (`WAIT_FOR_SPACE`) wait, in order, until there is space; other writes
    raise `DiskFullError`. A write may therefore run several times before it is committed once.

    Raises `CloudError` for a database that cannot be opened. `damage` describes damage that was found, or is "".
    `after_commit` runs on the writing thread after each commit, before the results of its writes are returned.
    """

    def __init__(self, path: Path, after_commit: Callable[[], None] = lambda: None) -> None:
        self._after_commit = after_commit
        self._path = path
        self._mark = CommitMark(path)
        self._jobs: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._waiting: deque[_Write] = deque()
        self._full = False
        self._next_try = 0.0
        self._reader = self._open()
        self._idle: list[sqlite3.Connection] = []
        """Idle connections for long reads: opening one takes longer than most reads."""
        self._loop = asyncio.get_running_loop()
        self._space = asyncio.Event()
        self._space.set()
        self._disk_full = asyncio.Event()
        self.full_since: float | None = None
        """Time at which the disk was found full, in Unix seconds; None while there is space."""
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def _open(self) -> sqlite3.Connection:
        try:
            connection = self._connect()
            pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            self.damage = self._mark.damage(pages, size)  # checked before the first write
            migrate(connection, self._path)
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from error
        if self.damage:
            log.error("%s", self.damage)
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=30000;"
            "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
        )
        return connection

    async def define(self, schema: str) -> None:
        """Create tables; `schema` is a script of CREATE … IF NOT EXISTS statements."""

        def create(connection: sqlite3.Connection) -> None:
            for statement in statements(schema):
                connection.execute(statement)

        await self.write(create)

    def submit(self, work: Work[T], *, wait_for_space: bool | None = None) -> asyncio.Future[T]:
        """Submit a write without waiting; the future is done when the write is on disk. Call it on the event loop.

        With `wait_for_space`, the write waits if the disk is full; the default is the value of `WAIT_FOR_SPACE`.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Write(work, future, WAIT_FOR_SPACE.get() if wait_for_space is None else wait_for_space))
        return future

    async def write(self, work: Work[T]) -> T:
        """Run `work` with the writing connection and return its result when it is on disk."""
        return await self.submit(work)

    async def execute(self, sql: str, *parameters: Any) -> int:
        """Run one writing statement and return the number of changed rows when it is on disk."""
        return await self.submit(lambda connection: connection.execute(sql, parameters).rowcount)

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        return self._reader.execute(sql, parameters).fetchall()

    def row(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        row: sqlite3.Row | None = self._reader.execute(sql, parameters).fetchone()
        return row

    async def read_on_thread(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Return the rows of a long query, which runs on another thread."""
        return await self.read_on_thread_with(lambda connection: connection.execute(sql, parameters).fetchall())

    async def read_on_thread_with(self, work: Work[T]) -> T:
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

    def report_damage(self, error: Exception) -> bool:
        """Return True if an error of a read or a write comes from a damaged database, and describe it in `damage`."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF  # an extended code has more bits
        if code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return False
        if not self.damage:
            self.damage = (
                f"{self._path.name} is damaged ({error}): stop the cloud, then salvage readable data with "
                "`scones up --recover`."
            )
            log.error("%s", self.damage)
        return True

    @property
    def waiting(self) -> int:
        """Return the number of writes that wait for disk space."""
        return len(self._waiting)

    async def wait_for_space(self) -> None:
        """Wait while the disk is known to be full."""
        await self._space.wait()

    async def unless_full(self, work: Awaitable[T]) -> T:
        """Await work that waits for space; if the disk is full, raise `DiskFullError` and let the work continue."""
        task = asyncio.ensure_future(work)
        if not task.done():
            disk_full = asyncio.ensure_future(self._disk_full.wait())
            try:
                await asyncio.wait({task, disk_full}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                disk_full.cancel()
        if task.done():
            return task.result()
        raise DiskFullError

    async def close(self) -> None:
        """Finish all writes and close; writes that wait for disk space are lost."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        for connection in (self._reader, *self._idle):
            connection.close()
        self._mark.close()

    def _run(self) -> None:
        connection = self._connect()
        closing = False
        while not closing:
            group, closing = self._next_group()
            if self._waiting:
                self._enqueue([job for job in group if job.waits_for_space])
                group = [job for job in group if not job.waits_for_space]
            if group and not self._commit(connection, group):
                self._commit_separately(connection, group)
            if self._full and (closing or time.monotonic() >= self._next_try):
                self._retry(connection)
        for job in self._waiting:
            self._settle([(job.future, None, DiskFullError())])
        self._mark.remove()
        connection.close()

    def _next_group(self) -> tuple[list[_Write], bool]:
        """Return the next group of writes, and True if it is the last."""
        group: list[_Write] = []
        try:
            job = self._jobs.get(timeout=RETRY_SECONDS if self._full else None)
            while job is not None:
                group.append(job)
                if len(group) == MAX_WRITES_PER_COMMIT or self._jobs.empty():
                    break
                job = self._jobs.get()
        except queue.Empty:
            return group, False
        return group, job is None

    def _commit_separately(self, connection: sqlite3.Connection, group: list[_Write]) -> None:
        """Queue writes that may wait for space; commit the others one by one, because small ones may still fit."""
        self._enqueue([job for job in group if job.waits_for_space])
        for job in group:
            if not job.waits_for_space and (len(group) == 1 or not self._commit(connection, [job])):
                self._settle([(job.future, None, DiskFullError())])

    def _enqueue(self, jobs: list[_Write]) -> None:
        for job in jobs:
            if len(self._waiting) < WAITING_LIMIT:
                self._waiting.append(job)
            else:
                self._settle([(job.future, None, DiskFullError())])

    def _retry(self, connection: sqlite3.Connection) -> None:
        """Commit the waiting writes in order while there is space; after the last, test the disk with a small write."""
        self._next_try = time.monotonic() + RETRY_SECONDS
        while self._waiting:
            group = [self._waiting[number] for number in range(min(MAX_WRITES_PER_COMMIT, len(self._waiting)))]
            if not self._commit(connection, group):
                return
            for _ in group:
                self._waiting.popleft()
        probe = _Write(_write_version, self._loop.create_future(), waits_for_space=True)
        if self._commit(connection, [probe]):
            self._full = False
            self._loop.call_soon_threadsafe(self._report_space)

    def _commit(self, connection: sqlite3.Connection, group: list[_Write]) -> bool:
        """Commit a group and settle its futures; if the disk is full, return False and settle none."""
        outcomes: list[_WriteResult] = []
        single = len(group) == 1  # a failure undoes the whole transaction, so no savepoint is needed
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._mark.count(connection)
            for work, future, _ in group:
                if not single:
                    connection.execute("SAVEPOINT job")
                try:
                    outcomes.append((future, work(connection), None))
                except Exception as error:
                    if _no_room(error):
                        raise
                    connection.execute("ROLLBACK" if single else "ROLLBACK TO job")
                    outcomes.append((future, None, error))
                if not single:
                    connection.execute("RELEASE job")
            if connection.in_transaction:
                connection.execute("COMMIT")
                self._mark.record()
        except sqlite3.Error as error:  # the group was not committed
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if _no_room(error):
                if not self._full:
                    self._full, self._next_try = True, time.monotonic() + RETRY_SECONDS
                    self._loop.call_soon_threadsafe(self._report_full, str(error))
                return False
            outcomes = [(future, None, error) for _, future, _ in group]
        self._after_commit()
        self._settle(outcomes)
        return True

    def _settle(self, outcomes: list[_WriteResult]) -> None:
        if outcomes:
            self._loop.call_soon_threadsafe(_settle, outcomes)

    def _report_full(self, reason: str) -> None:
        self.full_since = time.time()
        self._space.clear()
        self._disk_full.set()
        log.error(
            "The disk of %s is full (%s): write requests are rejected, and background work is paused.",
            self._path.parent,
            reason,
        )

    def _report_space(self) -> None:
        self.full_since = None
        self._space.set()
        self._disk_full.clear()
        log.warning("The disk of %s has free space again: background work resumes.", self._path.parent)


_WriteResult = tuple["asyncio.Future[Any]", Any, BaseException | None]


def _settle(outcomes: list[_WriteResult]) -> None:
    for future, result, error in outcomes:
        if future.done():  # the caller no longer waits
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _no_room(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in _NO_ROOM


def _write_version(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA user_version = {VERSION}")


def statements(script: str) -> list[str]:
    """Split a script into statements; semicolons in literals, comments and triggers do not end a statement."""
    found, begun = [], ""
    for part in script.split(";"):
        begun += part + ";"
        if not begun.strip("; \n"):
            begun = ""
        elif sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return found


def unreadable(path: Path, error: sqlite3.Error) -> CloudError:
    """Return the error for a database that cannot be opened."""
    if _no_room(error):
        return CloudError(f"The disk of {path.parent} is full: free up space, then start the cloud again.")
    return CloudError(
        f"{path} cannot be read ({error}): restore it from a backup, or salvage readable data into a new "
        "database with `scones up --recover`; the damaged database is kept."
    )
