"""Progress of the workflow: the interface that a caller implements, and an observer that uses Python's logging."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import IntEnum
from typing import Protocol

Progress = Callable[[int, int | None], None]
"""Callback with the amount done and the total (None if unknown)."""


def silent(done: int, total: int | None) -> None:
    """Progress callback that reports nothing."""


def duration(seconds: float) -> str:
    """Return a duration in a readable unit."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


class Level(IntEnum):
    """Importance of a message. The values are levels of Python's logging."""

    LOG = logging.DEBUG
    """A log line of a training job."""
    DETAIL = logging.DEBUG + 5
    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR


class Observer(Protocol):
    """Receives the progress of a pipeline: its steps, its messages, and amounts done. Called from one thread."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """Return a context manager that is entered when a step begins, and left when it ends."""

    def message(self, text: str, level: Level = Level.INFO) -> None:
        """Report a message of the current step."""

    def progress(self, what: str, *, transfer: bool = False) -> AbstractContextManager[Progress]:
        """Return a context manager whose callback reports progress; with `transfer`, the amounts are bytes."""


class LoggingObserver:
    """Writes steps and messages to the logger `scones.workflow`, which prints only warnings unless configured."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("scones.workflow")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Log the title of a step."""
        self._logger.info(title)
        yield

    def message(self, text: str, level: Level = Level.INFO) -> None:
        """Log a message."""
        self._logger.log(level, text)

    @contextmanager
    def progress(self, what: str, *, transfer: bool = False) -> Iterator[Progress]:  # noqa: ARG002 - the interface
        """Yield a callback that reports nothing."""
        yield silent
