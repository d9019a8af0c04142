"""Turns of executions on the event loop, so that requests are served between them however many executions run."""

from __future__ import annotations

import asyncio
import sys
import time

from scones.cloud.services.stepfunctions.asl.evaluators import JobOwner
from scones.cloud.services.stepfunctions.evaluation.fair_queue import FairQueue
from scones.cloud.services.stepfunctions.execution.concurrency import SharedSlots

SLICE_SECONDS = 0.001
"""Seconds that executions may use in each pass of the event loop."""


class TurnScheduler:
    """Turns of executions: state machines take turns, and so do the executions of one machine.

    `pool` limits the branches and iterations that run at once.
    """

    def __init__(self) -> None:
        self.pool = SharedSlots()
        self._end: float | None = None
        """End of the current slice (`time.perf_counter`); None if no execution had a turn in this pass of the loop."""
        self._waiting: FairQueue[tuple[JobOwner, asyncio.Future[None]]] = FairQueue(limit=sys.maxsize)

    async def wait_turn(self, owner: JobOwner) -> None:
        """Wait until an execution may enter its next state; return at once unless the slice of this pass is used up."""
        now, loop = time.perf_counter(), asyncio.get_running_loop()
        if self._end is None:
            self._end = now + SLICE_SECONDS
            loop.call_soon(self._next_pass)
        elif now >= self._end:
            waiting: asyncio.Future[None] = loop.create_future()
            self._waiting.put(owner, (owner, waiting))
            await waiting

    def _next_pass(self) -> None:
        """Begin a new slice and give the first turn in it to the next waiting chain."""
        self._end = None
        while (item := self._waiting.take()) is not None:
            owner, waiting = item
            self._waiting.done(owner)
            if not waiting.done():
                self._end = time.perf_counter() + SLICE_SECONDS
                waiting.set_result(None)
                asyncio.get_running_loop().call_soon(self._next_pass)
                return
