"""Concurrency limits: each Parallel and Map may always run one branch or iteration, and more while slots are free."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from scones.cloud.core.step_record import traced

INLINE_CONCURRENCY = 40
"""Maximum concurrent iterations of an inline Map, whatever its MaxConcurrency (Developer Guide, "Inline")."""
EXECUTION_SLOTS = 1_000
"""Maximum concurrent branches and iterations of one execution; a limit of the local cloud."""
SHARED_SLOTS = 10_000
"""Maximum concurrent branches and iterations of all executions, not counting the first `INLINE_CONCURRENCY` of each."""

Work = Callable[[int, int], Awaitable[int]]
"""Runs one branch or iteration: takes its index and the id of the event that precedes its chain, and returns the id
that precedes the next chain."""


class SharedSlots:
    """The slots that all executions share."""

    def __init__(self) -> None:
        self.taken = 0


class ExecutionSlots:
    """The slots of one execution."""

    def __init__(self, pool: SharedSlots) -> None:
        self._pool = pool
        self._taken = 0

    def acquire(self) -> bool:
        """Take a slot; return False if none is free."""
        if self._taken >= INLINE_CONCURRENCY:
            if self._taken >= EXECUTION_SLOTS or self._pool.taken >= SHARED_SLOTS:
                return False
            self._pool.taken += 1
        self._taken += 1
        return True

    def release(self) -> None:
        """Return a slot."""
        if self._taken > INLINE_CONCURRENCY:
            self._pool.taken -= 1
        self._taken -= 1


class ConcurrentWork:
    """The branches or iterations of a state, run by one task, and by up to `most` tasks while slots are free."""

    def __init__(self, concurrency: ExecutionSlots, most: int, pending: Iterable[int], first: int, work: Work) -> None:
        self._concurrency = concurrency
        self._most = most
        self._pending = deque(pending)
        self._first = first
        self._work = work
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Do all the work; the first failure cancels the rest and is raised."""
        if not self._pending:
            return
        self._start(slot=False)
        self._start_more()
        try:
            await self._ended
        finally:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_more(self) -> None:
        """Start tasks for pending work, as far as `most` and the slots allow."""
        for _ in range(min(self._most - len(self._tasks), len(self._pending))):
            if not self._concurrency.acquire():
                return
            self._start(slot=True)

    def _start(self, *, slot: bool) -> None:
        task = asyncio.ensure_future(traced(self._run_pending()))
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        if slot:
            task.add_done_callback(lambda _: self._concurrency.release())

    async def _run_pending(self) -> None:
        previous = self._first
        while self._pending:
            previous = await self._work(self._pending.popleft(), previous)
            self._start_more()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            if not self._tasks and not self._ended.done():
                self._ended.set_result(None)
        elif not self._ended.done():
            self._ended.set_exception(error)
            self._ended.exception()  # mark it as retrieved: `run` may be cancelled at the same time
