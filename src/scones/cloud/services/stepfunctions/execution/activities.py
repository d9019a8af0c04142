"""Activities: tasks that external workers poll for."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.core.store import Store
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError, StateFailedError
from scones.cloud.services.stepfunctions.execution.journal import Journal
from scones.cloud.services.stepfunctions.execution.task_tokens import TaskTokens

SCHEMA = """
CREATE TABLE IF NOT EXISTS sfn_activities (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, encryption TEXT NOT NULL
)
"""
POLL_SECONDS = 60.0
"""Seconds that GetActivityTask waits for a task, as on AWS."""


@dataclass(eq=False, slots=True)
class ActivityTask:
    """A task that waits for a worker; `started` is called with the name of the worker that takes it."""

    token: str
    input: str
    started: Callable[[str | None], None]


class Activities:
    """The waiting tasks of all activities, and the workers that wait for a task."""

    def __init__(self, store: Store, journal: Journal, callbacks: TaskTokens) -> None:
        self._store = store
        self._journal = journal
        self._callbacks = callbacks
        self._tasks: dict[str, deque[ActivityTask]] = defaultdict(deque)
        self._polls: dict[str, deque[asyncio.Future[None]]] = defaultdict(deque)
        self._closing = False

    def check(self, arn: str) -> None:
        """Raise `EvaluationError` (States.Runtime) if the activity does not exist."""
        if self._store.row("SELECT 1 FROM sfn_activities WHERE arn = ?", arn) is None:
            raise EvaluationError(f"The activity {arn} does not exist.")

    async def run_task(self, arn: str, task: ActivityTask | None, token: str, heartbeat: float | None) -> Any:
        """Offer a task to workers and return its result; a `task` of None means that a worker already has it.

        Raises the errors of `TaskTokens.wait_for_output`.
        """
        if task is None:
            return await self._callbacks.wait_for_output(token, heartbeat)
        began = asyncio.get_running_loop().create_future()
        started = task.started

        def start(worker: str | None) -> None:
            try:
                started(worker)
            except StateFailedError as failure:
                began.set_exception(failure)
                raise
            self._callbacks.start_heartbeat(token)
            began.set_result(None)

        task.started = start
        self._tasks[arn].append(task)
        self._wake(arn)
        try:
            await began  # heartbeats count from the time at which a worker takes the task
            return await self._callbacks.wait_for_output(token, heartbeat)
        finally:
            if task in self._tasks[arn]:
                self._tasks[arn].remove(task)

    async def next_task(self, arn: str, worker: str | None) -> ActivityTask | None:
        """Return the next task once its ActivityStarted event is on disk; None if there is no task for a minute."""
        deadline = time.monotonic() + POLL_SECONDS
        while (task := await self._next(arn, deadline)) is not None:
            try:
                task.started(worker)
            except StateFailedError:  # the execution's history is full: it fails, and the worker gets the next task
                continue
            await self._journal.flushed()
            return task
        return None

    async def _next(self, arn: str, deadline: float) -> ActivityTask | None:
        while not self._tasks[arn]:
            waiting = asyncio.get_running_loop().create_future()
            self._polls[arn].append(waiting)
            try:
                await asyncio.wait({waiting}, timeout=max(0.0, deadline - time.monotonic()))
            except asyncio.CancelledError:
                if waiting.done():  # pass the task on to another worker
                    self._wake(arn)
                raise
            finally:
                if waiting in self._polls[arn]:
                    self._polls[arn].remove(waiting)
            if self._closing or not waiting.done():
                return None
        return self._tasks[arn].popleft()

    def drain(self) -> None:
        """Answer all waiting workers without a task, because the cloud stops."""
        self._closing = True
        for arn in self._polls:
            while self._polls[arn]:
                self._wake(arn)

    def _wake(self, arn: str) -> None:
        workers = self._polls[arn]
        while workers:
            worker = workers.popleft()
            if not worker.done():
                worker.set_result(None)
                return
