"""Long polls that wait for a queue's messages, first come, first served."""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_left, insort
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_MORE = 2
"""How many are woken by one that has received while more is there: so their number doubles until nothing is left."""


@dataclass(slots=True, order=True)
class Waiter:
    """One long poll; of two, the smaller one began first."""

    number: int
    limit: int = field(compare=False)
    """The most messages that it takes."""
    woken: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


@dataclass(slots=True)
class _Line:
    """The long polls on one queue."""

    size: int = 0
    resting: int = 0
    """How many of them wait until they are woken; the others look for messages."""
    unwoken: list[Waiter] = field(default_factory=list)
    """Those that nobody has woken since they began to look, in the order in which they joined."""
    timer: asyncio.TimerHandle | None = None


class WaitingLines:
    """The long polls on every queue.

    While a message can be received and a long poll rests, one has been woken that will look for it; for the next
    message that becomes visible by itself, a timer is set. So whoever makes messages receivable wakes as many long
    polls as can take them (`wake`), whoever has received while more are there wakes others (`wake_more`), and
    whoever has looked sets the timer (`wake_in`).
    """

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._last = 0
        self.over = False
        """True once nobody is to wait any more."""

    @contextmanager
    def joined(self, queue: int, limit: int) -> Iterator[Waiter]:
        """Join a queue's line until the block ends."""
        self._last += 1
        waiter = Waiter(self._last, limit)
        line = self._lines.setdefault(queue, _Line())
        line.size += 1
        line.unwoken.append(waiter)
        failed = True
        try:
            yield waiter
            failed = False
        finally:
            line.size -= 1
            woken = waiter.woken.is_set()
            if not woken:
                del line.unwoken[bisect_left(line.unwoken, waiter)]
            if not line.size:
                if line.timer:
                    line.timer.cancel()
                del self._lines[queue]
            elif woken or failed:  # another one looks in its place
                self.wake(queue, limit)

    def looks(self, queue: int, waiter: Waiter) -> None:
        """Note that a long poll looks for messages now: one sent from now on wakes it again."""
        if waiter.woken.is_set():
            waiter.woken.clear()
            insort(self._lines[queue].unwoken, waiter)

    async def rest(self, queue: int, waiter: Waiter, seconds: float) -> None:
        """Wait until this long poll is woken, or the time is over."""
        line = self._lines[queue]
        line.resting += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter.woken.wait()
        finally:
            line.resting -= 1

    def waits(self, queue: int) -> bool:
        """Return True where a long poll on this queue has begun and not ended."""
        return queue in self._lines

    def rests(self, queue: int) -> bool:
        """Return True where a long poll on this queue waits until it is woken."""
        return not self.over and queue in self._lines and self._lines[queue].resting > 0

    def wake(self, queue: int, messages: int = 1) -> None:
        """Wake those who began first, so many that together they can take this number of messages."""
        line = self._lines.get(queue)
        while line and line.unwoken and messages > 0:
            waiter = line.unwoken.pop(0)
            waiter.woken.set()
            messages -= waiter.limit

    def wake_more(self, queue: int) -> None:
        """Wake others because more messages are there."""
        line = self._lines.get(queue)
        for _ in range(_MORE):
            if line and line.unwoken:
                line.unwoken.pop(0).woken.set()

    def wake_in(self, queue: int, seconds: float) -> None:
        """Wake the first in this number of seconds, unless a timer ends before."""
        line = self._lines.get(queue)
        if line is None:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if line.timer and line.timer.when() <= due:
            return
        if line.timer:
            line.timer.cancel()
        line.timer = loop.call_at(due, self._wake_on_time, queue, line)

    def _wake_on_time(self, queue: int, line: _Line) -> None:
        line.timer = None
        self.wake(queue)

    def wake_all(self, queue: int) -> None:
        """Wake all who wait for this queue's messages: the queue is gone."""
        line = self._lines.get(queue)
        while line and line.unwoken:
            line.unwoken.pop().woken.set()

    def end(self) -> None:
        """Wake all who wait, and let nobody wait again."""
        self.over = True
        for queue in self._lines:
            self.wake_all(queue)
