"""Long loops on threads that leave the interpreter to the event loop in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
LONG = 200
"""Items of a list that is long enough for pauses."""
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


def paced(items: Sequence[T]) -> Iterable[T]:
    """Return the items of a list, with pauses where it is long and the work runs on a thread."""
    beside_the_loop = threading.current_thread() is not threading.main_thread()
    return in_turns(items) if len(items) > LONG and beside_the_loop else items
