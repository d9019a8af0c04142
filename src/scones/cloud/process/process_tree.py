"""The processes of a local cloud, for ending it from outside: the main process, its descendants, and strays."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

_FOLDER_VARIABLES = ("TMPDIR", "SAGEMAKER_BASE_DIR")
"""Variables that contain a program's folders, in the data folder, if nothing can be mounted (`sandbox.py`)."""

_POLL_SECONDS = 0.01


class ProcessTree:
    """The process that holds a data folder, and its descendants at the time of construction.

    Raises `psutil.NoSuchProcess` if the process has ended.
    """

    def __init__(self, pid: int, data_dir: Path) -> None:
        self.head = psutil.Process(pid)
        self._data_dir = data_dir
        self._descendants_at_start = {child for child in self._descendants() if child.pid != os.getpid()}

    def _descendants(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return self.head.children(recursive=True)
        return []

    def ended(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the head process to end; return True if it has ended."""
        return not _wait([self.head], timeout)

    def kill(self) -> int:
        """Kill the remaining processes, the head first, and wait for them; return the number of killed processes.

        Most descendants end on their own after the head; they have one second to do so, and are not counted.
        """
        self._descendants_at_start.update(child for child in self._descendants() if child.pid != os.getpid())
        killed = _kill([self.head])
        self._descendants_at_start.update(_strays(self._data_dir, self.head))
        return killed + _kill(_wait(self._descendants_at_start, timeout=1))


def _kill(processes: list[psutil.Process]) -> int:
    killed = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if _has_ended(process):
                continue
            process.kill()  # psutil compares start times, so a process with a reused id is not killed
            killed += 1
    _wait(processes, timeout=5)
    return killed


def _wait(processes: Iterable[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Wait at most `timeout` seconds for processes to end, and return those that still run.

    A zombie has ended. `psutil.wait_procs` waits until its parent has reaped it. The parent may be slow, like the first
    process of many containers, or may never do so, like a program that started a cloud and then does other things.
    """
    deadline = time.monotonic() + timeout
    left = list(processes)
    while (left := [process for process in left if not _has_ended(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return left


def _has_ended(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        if process.status() != psutil.STATUS_ZOMBIE:
            return False
        process.wait(timeout=0)  # reaps a child of this process
    return True


def _strays(data_dir: Path, head: psutil.Process) -> list[psutil.Process]:
    """Return programs that have left the process tree: younger than its head, with folders in the data folder."""
    below = tuple(f"{data_dir / name}{os.sep}" for name in ("lambda", "sagemaker"))
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.create_time() < head.create_time() or process.pid == os.getpid():
                continue
            variables = process.environ()
            if any(variables.get(name, "").startswith(below) for name in _FOLDER_VARIABLES):
                found.append(process)
    return found
