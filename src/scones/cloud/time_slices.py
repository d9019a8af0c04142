"""Long work in slices of a millisecond, on the event loop and on threads, so that requests are answered in between."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

SECONDS = 0.001
"""Length of a slice, and of the pause behind it."""
_LONGEST_PAUSE = 0.05
"""Seconds that a thread pauses at most: a slice that waited for the disk needs no longer pause."""

_turn = asyncio.Lock()
"""Held during a slice: however many requests have long work, each turn of the loop runs one slice."""
_pause = threading.Lock()
"""Held during the pause of a thread: however many threads have long work, one slice begins in a millisecond."""


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


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """Yield items on a thread, pausing when a slice is used up, for as long as the slice took.

    A pause gives up the interpreter lock; without one, each of the loop's system calls waits 5 ms to get it back.
    """
    begun = time.perf_counter()
    for item in items:
        yield item
        if (took := time.perf_counter() - begun) > SECONDS:
            with _pause:
                time.sleep(min(took, _LONGEST_PAUSE))
            begun = time.perf_counter()


def paced(items: Sequence[T]) -> Iterable[T]:
    """Return the items of a list, with pauses where the work runs on a thread."""
    return in_turns(items) if on_thread() else items


def on_thread() -> bool:
    """Return True on a thread other than the event loop's."""
    return threading.current_thread() is not threading.main_thread()
