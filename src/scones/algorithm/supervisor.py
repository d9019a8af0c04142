"""Several processes that do the same work side by side; one that ends is started again, until SIGTERM."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType

SHORT_LIFE = 5.0
"""Seconds: a worker that ends sooner is started again after a pause that doubles, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 0.8


class Parent:
    """What a worker knows of the process that supervises it, and through it of the other workers."""

    def __init__(self, lifeline: int, shared: _Shared, index: int) -> None:
        self.lifeline = lifeline
        """A descriptor at its end as soon as the supervisor is gone, however it went."""
        self._shared = shared
        self._index = index

    def tell_ready(self) -> None:
        """Tell that this worker can do its work: from now on, workers that end are started again."""
        self._shared.ready[0] = 1

    def tell_load(self, load: int) -> None:
        """Tell the other workers how much this one has to do."""
        self._shared.loads[self._index] = load

    def least_load(self) -> int:
        """Return what the worker told that has the least to do."""
        return min(self._shared.loads)


class _Shared:
    """Numbers in memory that the supervisor and its workers have in common."""

    def __init__(self, count: int) -> None:
        numbers = memoryview(mmap.mmap(-1, 4 * (1 + count))).cast("I")
        self.ready = numbers[:1]
        self.loads = numbers[1:]


class Supervisor:
    """Forks `count` workers that run `work`.

    Whatever is imported, and every socket that is open, is theirs too: a worker is back within milliseconds. A worker
    that ends before any was ready ends them all: whoever started this program is to know that it cannot work.
    """

    def __init__(self, count: int, work: Callable[[Parent], None]) -> None:
        self._count = count
        self._work = work
        self._shared = _Shared(count)
        self._reading, self._writing = os.pipe()
        self._begun: dict[int, tuple[int, float]] = {}
        """The workers by their process ids: which of them each is, and since when."""
        self._ending = False
        self._pause = 0.0

    def run(self) -> int:
        """Keep the workers running until SIGTERM or SIGINT has ended the last; return this program's exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        for index in range(self._count):
            self._fork(index)
        failed = False
        while self._begun:
            pid, status = os.wait()
            worker = self._begun.pop(pid, None)
            if worker is None or self._ending:  # as the first process of a container, others' orphans are ours
                continue
            index, begun = worker
            if not self._shared.ready[0]:
                failed = True
                self._end()
                continue
            code = os.waitstatus_to_exitcode(status)
            _say(f"worker {pid} ended with exit code {code}; it is started again")
            self._wait_a_little(time.monotonic() - begun)
            self._fork(index)
        return 1 if failed else 0

    def _wait_a_little(self, lived: float) -> None:
        self._pause = 0.0 if lived > SHORT_LIFE else min(self._pause * 2 or 0.01, LONGEST_PAUSE)
        time.sleep(self._pause)

    def _fork(self, index: int) -> None:
        if self._ending:
            return
        sys.stdout.flush()
        sys.stderr.flush()
        self._shared.loads[index] = 0
        pid = os.fork()
        if not pid:
            self._be_a_worker(index)
        self._begun[pid] = index, time.monotonic()
        if self._ending:  # the signal came while this one was not known yet
            os.kill(pid, signal.SIGTERM)

    def _be_a_worker(self, index: int) -> None:
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._writing)
            self._work(Parent(self._reading, self._shared, index))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _end(self, *_: int | FrameType | None) -> None:
        self._ending = True
        for pid in list(self._begun):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the endpoint's log
