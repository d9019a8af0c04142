"""The record of the resumed work that was on the event loop when the process ended, and that may have caused its end.

Resumed work is work that an earlier process began: an execution, a job, an endpoint. Before each of its steps on the
event loop its label is written to a file, and after the step it is erased. The write goes to the page cache, which
survives the end of the process. A label that the next start finds in the file gets a strike. After `MAX_STRIKES`
consecutive strikes at the same point of progress, the work is given up instead of resumed. New work is not recorded, so
it has no overhead.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from scones.cloud.core.durable_files import BrokenFileError, open_file, read_object, write_durably

T = TypeVar("T")

MAX_STRIKES = 2
"""Number of consecutive starts that ended during a step of the same resumed work, after which it is given up."""
_MAX_LABEL = 4096
"""Maximum length in bytes of a stored label; a longer one is cut."""


class StepRecord:
    """The two files of the record in a data folder: the current step, and the strikes of earlier runs."""

    def __init__(self, data_dir: Path) -> None:
        self._step = data_dir / "resumed-step"
        self._kept = data_dir / "resumed-strikes.json"
        self._strikes = self._read_strikes()
        self._file = open_file(self._step, os.O_RDWR | os.O_CREAT)

    def _read_strikes(self) -> dict[str, int]:
        try:
            running = self._step.read_bytes().partition(b"\n")[0].decode(errors="replace")
        except FileNotFoundError:
            running = ""
        if not running or running.startswith("\0"):
            self._kept.unlink(missing_ok=True)
            return {}
        strikes: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError, BrokenFileError):
            found = read_object(self._kept)
            strikes = {label: count for label, count in found.items() if isinstance(count, int)}
        strikes[running] = strikes.get(running, 0) + 1
        write_durably(self._kept, json.dumps(strikes))
        self._step.write_bytes(b"")
        return strikes

    def struck_out(self, label: str) -> bool:
        """Return True if work has `MAX_STRIKES` strikes, so that it must not be resumed."""
        return self._strikes.get(label, 0) >= MAX_STRIKES

    def trace(self, label: str, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Wrap a coroutine so that each of its steps is recorded; the result must run in its own task."""
        return _Traced(self, label, work)

    def enter(self, line: bytes) -> None:
        """Record the start of a step."""
        with contextlib.suppress(OSError):
            os.pwrite(self._file, line, 0)

    def leave(self) -> None:
        """Record the end of the step."""
        with contextlib.suppress(OSError):
            os.pwrite(self._file, b"\0", 0)

    def close(self) -> None:
        """Delete both files: this run ends cleanly."""
        os.close(self._file)
        for path in (self._step, self._kept):
            path.unlink(missing_ok=True)


class _Traced(Coroutine[Any, Any, T]):
    def __init__(self, record: StepRecord, label: str, work: Coroutine[Any, Any, T]) -> None:
        self._record = record
        self._line = label.encode()[:_MAX_LABEL] + b"\n"
        self._work = work

    def send(self, value: Any) -> Any:
        self._record.enter(self._line)
        try:
            return self._work.send(value)
        finally:
            self._record.leave()

    def throw(self, *raised: Any) -> Any:
        self._record.enter(self._line)
        try:
            return self._work.throw(*raised)
        finally:
            self._record.leave()

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, T]:
        raise TypeError("A traced coroutine must run in its own task.")


_tracing: ContextVar[tuple[StepRecord, str] | None] = ContextVar("tracing", default=None)


@contextmanager
def tracing(record: StepRecord, label: str) -> Iterator[None]:
    """Record tasks created in this context, and the tasks that they create, under a label."""
    token = _tracing.set((record, label))
    try:
        yield
    finally:
        _tracing.reset(token)


def traced(work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
    """Return work for a new task, recorded if it belongs to resumed work."""
    found = _tracing.get()
    return work if found is None else found[0].trace(found[1], work)
