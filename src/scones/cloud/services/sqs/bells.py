"""Waking those who wait for a queue's messages."""

from __future__ import annotations

import asyncio
import contextlib


class Bells:
    """One bell for each queue that somebody waits for; whoever changes what can be received rings it."""

    def __init__(self) -> None:
        self._events: dict[int, asyncio.Event] = {}
        self.over = False
        """Whether nobody is to wait any more."""

    def of(self, queue: int) -> asyncio.Event:
        """Return the bell that rings next: take it before looking, so that nothing is missed in between."""
        return self._events.setdefault(queue, asyncio.Event())

    def ring(self, *queues: int) -> None:
        """Wake all who wait for these queues."""
        for queue in queues:
            if event := self._events.pop(queue, None):
                event.set()

    def end(self) -> None:
        """Wake all who wait, and let nobody wait again."""
        self.over = True
        self.ring(*self._events)


async def heard(bell: asyncio.Event, seconds: float) -> None:
    """Wait for a bell, or until the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
