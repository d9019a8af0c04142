"""Supervision of worker processes that do the same work: a worker that ends is restarted, until SIGTERM."""

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
"""Seconds that a worker must run to be restarted without a pause; after shorter runs, the pause doubles each time, up
to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 0.8


class SupervisorLink:
    """A worker's connection to its supervisor and, through shared memory, to the other workers."""

    def __init__(self, lifeline: int, shared: _Shared, index: int) -> None:
        self.lifeline = lifeline
        """A pipe descriptor that reaches end of file when the supervisor has ended, for whatever reason."""
        self._shared = shared
        self._index = index

    def report_ready(self) -> None:
        """Report that this worker is ready; from then on, workers that end are restarted."""
        self._shared.ready[0] = 1

    def report_load(self, load: int) -> None:
        """Report this worker's load to the other workers."""
        self._shared.loads[self._index] = load

    def least_load(self) -> int:
        """Return the lowest reported load."""
        return min(self._shared.loads)


class _Shared:
    """Numbers in memory shared by the supervisor and its workers."""

    def __init__(self, count: int) -> None:
        numbers = memoryview(mmap.mmap(-1, 4 * (1 + count))).cast("I")
        self.ready = numbers[:1]
        self.loads = numbers[1:]


class Supervisor:
    """Forks `count` workers that run `work`.

    Workers inherit imported modules and open sockets, so a restart takes milliseconds. If a worker ends before any
    worker was ready, the supervisor ends all of them, and the exit status reports that the program cannot work.
    """

    def __init__(self, count: int, work: Callable[[SupervisorLink], None]) -> None:
        self._count = count
        self._work = work
        self._shared = _Shared(count)
        self._reading, self._writing = os.pipe()
        self._begun: dict[int, tuple[int, float]] = {}
        """Each worker's index and start time, by process id."""
        self._ending = False
        self._pause = 0.0

    def run(self) -> int:
        """Keep the workers running until SIGTERM or SIGINT; return the exit status when the last has ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_workers)
        for index in range(self._count):
            self._fork(index)
        failed = False
        while self._begun:
            pid, status = os.wait()
            worker = self._begun.pop(pid, None)
            if worker is None or self._ending:  # the first process of a container adopts orphans
                continue
            index, begun = worker
            if not self._shared.ready[0]:
                failed = True
                self._stop_workers()
                continue
            code = os.waitstatus_to_exitcode(status)
            _log(f"worker {pid} exited with code {code}; restarting it")
            self._back_off(time.monotonic() - begun)
            self._fork(index)
        return 1 if failed else 0

    def _back_off(self, lived: float) -> None:
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
            self._run_worker(index)
        self._begun[pid] = index, time.monotonic()
        if self._ending:  # the signal arrived before this worker was registered
            os.kill(pid, signal.SIGTERM)

    def _run_worker(self, index: int) -> None:
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._writing)
            self._work(SupervisorLink(self._reading, self._shared, index))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _stop_workers(self, *_: int | FrameType | None) -> None:
        self._ending = True
        for pid in list(self._begun):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the endpoint's log
