"""Long work on the event loop, in slices of a few milliseconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

SECONDS = 0.001
"""Length of a slice, and of the pause behind it."""

_turn = asyncio.Lock()
"""Held during a slice: however many requests have long work, each turn of the loop runs one slice."""


class TimeSlices:
    """Work that pauses regularly, so that other requests are answered meanwhile.

    Use as `async with TimeSlices() as slices`, and after each small step, `await slices.pause()` if `slices.used_up()`.
    """

    def __init__(self) -> None:
        self._end = 0.0
        self._holds = False

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holds:
            self._holds = False
            _turn.release()

    def used_up(self) -> bool:
        """Return True if it is time to pause."""
        return time.monotonic() >= self._end

    async def pause(self) -> None:
        """Let the event loop run, and begin another slice."""
        self._holds = False
        _turn.release()
        await asyncio.sleep(SECONDS)
        await self._begin()

    async def _begin(self) -> None:
        await _turn.acquire()
        self._holds = True
        self._end = time.monotonic() + SECONDS


async def sliced(items: Iterable[T], slices: TimeSlices) -> AsyncIterator[T]:
    """Yield items, pausing when a slice is used up."""
    for item in items:
        if slices.used_up():
            await slices.pause()
        yield item
