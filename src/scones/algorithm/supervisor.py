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
    """What a worker knows of the process that supervises it."""

    def __init__(self, lifeline: int, ready: mmap.mmap) -> None:
        self.lifeline = lifeline
        """A descriptor at its end as soon as the supervisor is gone, however it went."""
        self._ready = ready

    def tell_ready(self) -> None:
        """Tell that this worker can do its work: from now on, workers that end are started again."""
        self._ready[0] = 1


class Supervisor:
    """Forks `count` workers that run `work`.

    Whatever is imported, and every socket that is open, is theirs too: a worker is back within milliseconds. A worker
    that ends before any was ready ends them all: whoever started this program is to know that it cannot work.
    """

    def __init__(self, count: int, work: Callable[[Parent], None]) -> None:
        self._count = count
        self._work = work
        self._ready = mmap.mmap(-1, 1)
        self._reading, self._writing = os.pipe()
        self._begun: dict[int, float] = {}
        self._ending = False
        self._pause = 0.0

    def run(self) -> int:
        """Keep the workers running until SIGTERM or SIGINT has ended the last; return this program's exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        for _ in range(self._count):
            self._fork()
        failed = False
        while self._begun:
            pid, status = os.wait()
            begun = self._begun.pop(pid, None)
            if begun is None or self._ending:  # as the first process of a container, others' orphans are ours
                continue
            if not self._ready[0]:
                failed = True
                self._end()
                continue
            code = os.waitstatus_to_exitcode(status)
            _say(f"worker {pid} ended with exit code {code}; it is started again")
            self._wait_a_little(time.monotonic() - begun)
            self._fork()
        return 1 if failed else 0

    def _wait_a_little(self, lived: float) -> None:
        self._pause = 0.0 if lived > SHORT_LIFE else min(self._pause * 2 or 0.01, LONGEST_PAUSE)
        time.sleep(self._pause)

    def _fork(self) -> None:
        if self._ending:
            return
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if not pid:
            self._be_a_worker()
        self._begun[pid] = time.monotonic()
        if self._ending:  # the signal came while this one was not known yet
            os.kill(pid, signal.SIGTERM)

    def _be_a_worker(self) -> None:
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._writing)
            self._work(Parent(self._reading, self._ready))
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
