"""Long polls that wait for a queue's messages, in first-come, first-served order."""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_left, insort
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_MORE = 2
"""Number of long polls to wake after a receive that leaves messages in the queue.

The number of active long polls thus doubles until no messages are left.
"""


@dataclass(slots=True, order=True)
class LongPoll:
    """One long poll; waiters are ordered by start."""

    number: int
    limit: int = field(compare=False)
    """Maximum number of messages that it receives."""
    woken: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


@dataclass(slots=True)
class _QueueLongPolls:
    """The long polls on one queue."""

    size: int = 0
    sleeping: int = 0
    """Number of long polls that wait to be woken; the rest are looking for messages."""
    unwoken: list[LongPoll] = field(default_factory=list)
    """Long polls that were not woken since they last started to look, in the order in which they joined."""
    timer: asyncio.TimerHandle | None = None


class LongPolls:
    """The long polls on every queue.

    Invariant: if a message can be received and a long poll sleeps, some long poll has been woken and will look for the
    message. A timer covers the next message that becomes visible by itself. To keep this invariant, code that makes
    messages receivable wakes enough long polls to receive them (`wake`), a long poll that leaves messages in the queue
    wakes further ones (`wake_more`), and a long poll that has looked sets the timer (`wake_in`).
    """

    def __init__(self) -> None:
        self._by_queue: dict[int, _QueueLongPolls] = {}
        self._last = 0
        self.ended = False
        """True after `end`: long polls no longer wait."""

    @contextmanager
    def polling(self, queue: int, limit: int) -> Iterator[LongPoll]:
        """Add a long poll to a queue's long polls until the block ends."""
        self._last += 1
        waiter = LongPoll(self._last, limit)
        line = self._by_queue.setdefault(queue, _QueueLongPolls())
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
                del self._by_queue[queue]
            elif woken or failed:  # another long poll looks instead
                self.wake(queue, limit)

    def start_looking(self, queue: int, poll: LongPoll) -> None:
        """Record that a long poll starts to look for messages; a message sent from now on wakes it again."""
        if poll.woken.is_set():
            poll.woken.clear()
            insort(self._by_queue[queue].unwoken, poll)

    async def sleep(self, queue: int, poll: LongPoll, seconds: float) -> None:
        """Wait until this long poll is woken, at most `seconds`."""
        line = self._by_queue[queue]
        line.sleeping += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await poll.woken.wait()
        finally:
            line.sleeping -= 1

    def has_polls(self, queue: int) -> bool:
        """Return True if a long poll on this queue has started and not ended."""
        return queue in self._by_queue

    def has_sleeping(self, queue: int) -> bool:
        """Return True if a long poll on this queue waits to be woken."""
        return not self.ended and queue in self._by_queue and self._by_queue[queue].sleeping > 0

    def wake(self, queue: int, messages: int = 1) -> None:
        """Wake the oldest long polls, enough to receive this number of messages together."""
        line = self._by_queue.get(queue)
        while line and line.unwoken and messages > 0:
            waiter = line.unwoken.pop(0)
            waiter.woken.set()
            messages -= waiter.limit

    def wake_more(self, queue: int) -> None:
        """Wake further long polls, because more messages are available."""
        line = self._by_queue.get(queue)
        for _ in range(_MORE):
            if line and line.unwoken:
                line.unwoken.pop(0).woken.set()

    def wake_in(self, queue: int, seconds: float) -> None:
        """Wake the oldest long poll in this number of seconds, unless an earlier timer is set."""
        line = self._by_queue.get(queue)
        if line is None:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if line.timer and line.timer.when() <= due:
            return
        if line.timer:
            line.timer.cancel()
        line.timer = loop.call_at(due, self._wake_on_time, queue, line)

    def _wake_on_time(self, queue: int, line: _QueueLongPolls) -> None:
        line.timer = None
        self.wake(queue)

    def wake_all(self, queue: int) -> None:
        """Wake all long polls on this queue, because it was deleted or the service stops."""
        line = self._by_queue.get(queue)
        while line and line.unwoken:
            line.unwoken.pop().woken.set()

    def end(self) -> None:
        """Wake all long polls, and let none wait again."""
        self.ended = True
        for queue in self._by_queue:
            self.wake_all(queue)
