"""The time that executions go by: the wall clock, or a test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from scones.cloud.step_record import traced

T = TypeVar("T")


class Clock(Protocol):
    """Seconds since the epoch, and a way to wait for them."""

    def now(self) -> float:
        """Return the time."""

    async def sleep_until(self, moment: float) -> None:
        """Return when it is `moment` or later."""


class WallClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the time."""
        return time.time()

    async def sleep_until(self, moment: float) -> None:
        """Return when it is `moment` or later, at once where it has passed."""
        while (left := moment - time.time()) > 0:  # noqa: ASYNC110 - timers may go off a millisecond early
            await asyncio.sleep(left)


@dataclass(frozen=True, slots=True)
class ClockUntil:
    """A clock for work that `before` ends at `deadline`: a wait beyond it never ends, though both may lie in the past.

    They do where the cloud was down when both came: what would have ended first still does.
    """

    clock: Clock
    deadline: float

    def now(self) -> float:
        """Return the time."""
        return self.clock.now()

    async def sleep_until(self, moment: float) -> None:
        """Return when it is `moment` or later, if that is within the deadline."""
        if moment > self.deadline:
            await asyncio.get_running_loop().create_future()
        await self.clock.sleep_until(moment)


class DeadlineError(Exception):
    """The moment until which work had time has come."""


async def before(clock: Clock, moment: float | None, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, or cancel it and raise `DeadlineError` once it is `moment`; None is no limit."""
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
            task.exception()  # whoever awaits this may have been cancelled at the same time, and asks no more
