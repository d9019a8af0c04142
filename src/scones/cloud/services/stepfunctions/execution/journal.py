"""Batched writes of all executions: everything recorded in one pass of the event loop goes to the store as one job.

If the disk is full, the jobs wait in order until there is space, so that no recorded event is lost.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import Any

from scones.cloud.core.store import WAIT_FOR_SPACE, Store
from scones.cloud.services.stepfunctions.execution.history import Event, FailedAttempt, failed_attempt_row, to_row

log = logging.getLogger(__name__)

EVENT = "INSERT INTO sfn_events (execution, id, previous, type, at, details, scope) VALUES (?, ?, ?, ?, ?, ?, ?)"
_FAILED_ATTEMPT = (
    "INSERT INTO sfn_failed_attempts (execution, entered, last, at, error, cause, fatal) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


MAX_UNWRITTEN = 16 * 1024**2
"""Maximum characters of events that are not on disk yet; beyond it, executions wait for the disk."""


class Journal:
    """Appends statements to the store in order, without waiting.

    Statements that are added without an `await` between them are written in one transaction.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._statements: list[tuple[str, tuple[Any, ...]]] = []
        self._added = self._unwritten = 0
        """Characters of the events added since the last flush (`_added`) and of all not on disk (`_unwritten`)."""
        self._space = asyncio.Event()
        self._space.set()
        self._batch: asyncio.Future[None] | None = None
        self._newest: asyncio.Future[None] | None = None
        """The batch that was submitted last; batches are written in order, so it reaches the disk last."""

    def event(self, execution: int, event: Event) -> None:
        """Add an event of an execution, given by its row id."""
        row = to_row(event)
        size = len(row[4] or "")
        self._added += size
        self._count(size)
        self.add(EVENT, execution, *row)

    def failed_attempt(self, execution: int, attempt: FailedAttempt) -> None:
        """Add a failed attempt of a state."""
        self.add(_FAILED_ATTEMPT, execution, *failed_attempt_row(attempt))

    def add(self, sql: str, *parameters: Any) -> asyncio.Future[None]:
        """Add a statement; the future is done when it is on disk."""
        if self._batch is None:
            loop = asyncio.get_running_loop()
            self._batch = loop.create_future()
            loop.call_soon(self.flush)
        self._statements.append((sql, parameters))
        return self._batch

    async def wait_for_space(self) -> None:
        """Wait until executions may record events: the disk has space, and `MAX_UNWRITTEN` is not exceeded."""
        if self._store.full_since is not None:
            await self._store.wait_for_space()
        await self._space.wait()

    def _count(self, characters: int) -> None:
        self._unwritten += characters
        if self._unwritten > MAX_UNWRITTEN:
            self._space.clear()
        else:
            self._space.set()

    async def flushed(self) -> None:
        """Wait until everything added is on disk; in a request, raise `DiskFullError` if the disk is full."""
        newest = self._batch or self._newest
        if newest is None:
            return
        written = asyncio.shield(newest)
        await (written if WAIT_FOR_SPACE.get() else self._store.unless_full(written))

    def flush(self, *, wait_for_space: bool = True) -> asyncio.Future[None] | None:
        """Submit the added statements to the store.

        If the disk is full, they wait for space, or the future fails if `wait_for_space` is False. Returns None if
        there is nothing to write.
        """
        statements, batch = self._statements, self._batch
        if batch is None:
            return None
        characters, self._added = self._added, 0
        self._statements, self._batch = [], None
        if wait_for_space:
            self._newest = batch

        def write(connection: sqlite3.Connection) -> None:
            for sql, parameters in statements:
                connection.execute(sql, parameters)

        def written(done: asyncio.Future[None]) -> None:
            self._count(-characters)
            error = done.exception()
            if error is None:
                batch.set_result(None)
                return
            if wait_for_space:
                log.error("%d writes of executions were lost: %s", len(statements), error)
            batch.set_exception(error)
            batch.exception()  # otherwise asyncio logs it if nothing waits for the batch

        self._store.submit(write, wait_for_space=wait_for_space).add_done_callback(written)
        return batch
