"""The clocks that executions use: the wall clock, or a clock supplied by a test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from scones.cloud.core.clock import now_ms
from scones.cloud.core.step_record import traced

T = TypeVar("T")


class Clock(Protocol):
    """A source of Unix time in seconds that can also wait for a given time."""

    def now(self) -> float:
        """Return the time."""

    async def sleep_until(self, moment: float) -> None:
        """Wait until the time is `moment` (Unix seconds) or later."""


class WallClock:
    """The computer's clock."""

    def now(self) -> float:
        """Return the time in whole milliseconds, because AWS's times have no more digits."""
        return now_ms() / 1000

    async def sleep_until(self, moment: float) -> None:
        """Wait until the time is `moment` or later; return at once if it has passed."""
        while (left := moment - time.time()) > 0:  # noqa: ASYNC110 - timers may fire a millisecond early
            await asyncio.sleep(left)


@dataclass(frozen=True, slots=True)
class DeadlineClock:
    """A clock for work that `with_deadline` ends at `deadline`: a wait beyond the deadline never returns.

    If both times passed while the cloud was down, the deadline therefore still takes effect first.
    """

    clock: Clock
    deadline: float

    def now(self) -> float:
        """Return the time."""
        return self.clock.now()

    async def sleep_until(self, moment: float) -> None:
        """Wait until the time is `moment` or later; never return if `moment` is after the deadline."""
        if moment > self.deadline:
            await asyncio.get_running_loop().create_future()
        await self.clock.sleep_until(moment)


class DeadlineError(Exception):
    """The deadline passed before the work was done."""


async def with_deadline(clock: Clock, moment: float | None, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; cancel it and raise `DeadlineError` if it is not done at `moment` (None: no limit)."""
    if moment is None:
        return await work
    task = asyncio.ensure_future(traced(work))
    alarm = asyncio.ensure_future(clock.sleep_until(moment))
    try:
        await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise DeadlineError
        return task.result()
    finally:
        alarm.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        elif not task.cancelled():
            task.exception()  # mark it as retrieved: the caller may have been cancelled at the same time
