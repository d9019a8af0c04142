"""Long loops on threads that leave the interpreter to the event loop in between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_WORK_SECONDS = 0.001
_PAUSE_SECONDS = 0.001
"""A pause gives up the interpreter lock; without one, each of the loop's system calls waits 5 ms to get it back."""


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """Yield items, pausing after each millisecond of work on them."""
    end = time.perf_counter() + _WORK_SECONDS
    for item in items:
        yield item
        if time.perf_counter() > end:
            time.sleep(_PAUSE_SECONDS)
            end = time.perf_counter() + _WORK_SECONDS
