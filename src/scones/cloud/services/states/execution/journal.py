"""Writes of all executions, joined: what one turn of the event loop records goes to the store as one job."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import Any

from scones.cloud.services.states.execution.history import Event, FailedAttempt, failed_attempt_row, to_row
from scones.cloud.store import Store

log = logging.getLogger(__name__)

_EVENT = "INSERT INTO sfn_events (execution, id, previous, type, at, details, scope) VALUES (?, ?, ?, ?, ?, ?, ?)"
_FAILED_ATTEMPT = (
    "INSERT INTO sfn_failed_attempts (execution, entered, last, at, error, cause, fatal) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class Journal:
    """Appends to the store in order, without waiting; what is added without an await between is never split."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._statements: list[tuple[str, tuple[Any, ...]]] = []
        self._batch: asyncio.Future[None] | None = None
        self._newest: asyncio.Future[None] | None = None
        """The batch that was begun last: batches are written in order, so it is the last to be on disk."""

    def event(self, execution: int, event: Event) -> None:
        """Add an event of an execution."""
        self.add(_EVENT, execution, *to_row(event))

    def failed_attempt(self, execution: int, attempt: FailedAttempt) -> None:
        """Add that an attempt of a state failed."""
        self.add(_FAILED_ATTEMPT, execution, *failed_attempt_row(attempt))

    def add(self, sql: str, *parameters: Any) -> asyncio.Future[None]:
        """Add a statement; the future ends when it is on disk."""
        if self._batch is None:
            loop = asyncio.get_running_loop()
            self._batch = self._newest = loop.create_future()
            loop.call_soon(self._flush)
        self._statements.append((sql, parameters))
        return self._batch

    async def flushed(self) -> None:
        """Return once everything that was added is on disk."""
        if self._newest is not None:
            await asyncio.shield(self._newest)

    def _flush(self) -> None:
        statements, batch = self._statements, self._batch
        assert batch is not None
        self._statements, self._batch = [], None

        def write(connection: sqlite3.Connection) -> None:
            for sql, parameters in statements:
                connection.execute(sql, parameters)

        def written(done: asyncio.Future[None]) -> None:
            error = done.exception()
            if error is None:
                batch.set_result(None)
                return
            log.error("%d writes of executions are lost: %s", len(statements), error)
            batch.set_exception(error)
            batch.exception()  # whoever waits is told; nobody need wait

        self._store.submit(write).add_done_callback(written)
