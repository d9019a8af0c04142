"""A queue of the times at which something is due, such as the rules and schedules of EventBridge."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
from typing import Generic, TypeVar

LONGEST_SLEEP = 86_400.0
"""Maximum seconds of one wait: a timer cannot wait until the year 2199."""
_STALE = 20
"""Number of outdated entries from which the queue is rebuilt, in addition to one per key."""

Key = TypeVar("Key", bound=tuple[str, ...] | int)


class FireTimes(Generic[Key]):
    """The next fire time of each key, in Unix seconds."""

    def __init__(self) -> None:
        self._next: dict[Key, float] = {}
        self._queue: list[tuple[float, Key]] = []
        """A heap of fire times; an entry that no longer agrees with `_next` is skipped."""
        self._changed = asyncio.Event()

    def plan(self, key: Key, at: float | None) -> None:
        """Set the next fire time of a key; None removes it."""
        self._changed.set()
        if at is None:
            self._next.pop(key, None)
            return
        self._next[key] = at
        heapq.heappush(self._queue, (at, key))
        if len(self._queue) > 2 * len(self._next) + _STALE:  # mostly outdated: the same keys were planned repeatedly
            self._queue = [(at, key) for key, at in self._next.items()]
            heapq.heapify(self._queue)

    def take(self, now: float) -> tuple[float, Key] | None:
        """Remove and return the first fire time up to now with its key, or None."""
        while self._queue and self._queue[0][0] <= now:
            at, key = heapq.heappop(self._queue)
            if self._next.get(key) == at:
                del self._next[key]
                return at, key
        return None

    async def wait(self) -> None:
        """Wait until a key is due or the plan changes, at most `LONGEST_SLEEP`."""
        wait = self._queue[0][0] - time.time() if self._queue else LONGEST_SLEEP
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(0.0, wait), LONGEST_SLEEP)):
                await self._changed.wait()
        self._changed.clear()
