"""Long work in slices of a millisecond, on the event loop and on threads, so that other requests can run in between."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

SECONDS = 0.001
"""Length in seconds of a slice and of the pause after it."""
_MAX_PAUSE = 0.05
"""Maximum pause of a thread in seconds: a slice that waited for the disk needs no longer pause."""

_thread_turn = asyncio.Lock()
"""Lock held during a slice: each iteration of the event loop runs one slice, even if many requests have long work."""
_pause = threading.Lock()
"""Lock held during a thread's pause: one slice starts per millisecond, even if many threads have long work."""


class TimeSlices:
    """Work that pauses regularly, so that other requests are processed in the meantime.

    Use `async with TimeSlices() as slices`; after each small step, call `await slices.pause()` if `slices.used_up()`.
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
            _thread_turn.release()

    def used_up(self) -> bool:
        """Return True if the current slice has ended."""
        return time.monotonic() >= self._end

    async def pause(self) -> None:
        """Pause so that the event loop can run, then start another slice."""
        self._holds = False
        _thread_turn.release()
        await asyncio.sleep(SECONDS)
        await self._begin()

    async def _begin(self) -> None:
        await _thread_turn.acquire()
        self._holds = True
        self._end = time.monotonic() + SECONDS


async def sliced(items: Iterable[T], slices: TimeSlices) -> AsyncIterator[T]:
    """Yield items, pausing when a slice has ended."""
    for item in items:
        if slices.used_up():
            await slices.pause()
        yield item


def sliced_on_thread(items: Iterable[T]) -> Iterator[T]:
    """Yield items on a thread; when a slice has ended, pause for as long as the slice took.

    A pause releases the interpreter lock; without pauses, the event loop waits 5 ms to get it back after each system
    call.
    """
    begun = time.perf_counter()
    for item in items:
        yield item
        if (took := time.perf_counter() - begun) > SECONDS:
            with _pause:
                time.sleep(min(took, _MAX_PAUSE))
            begun = time.perf_counter()


def sliced_if_on_thread(items: Sequence[T]) -> Iterable[T]:
    """Return the items of a list, with pauses if the caller runs on a thread."""
    return sliced_on_thread(items) if on_thread() else items


def on_thread() -> bool:
    """Return True on a thread that is not the event loop's thread."""
    return threading.current_thread() is not threading.main_thread()
