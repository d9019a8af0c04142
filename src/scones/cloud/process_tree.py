"""The processes of a local cloud, to be ended from outside: its own, its descendants, and those that left the tree."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

_PLACES = ("TMPDIR", "SAGEMAKER_BASE_DIR")
"""Variables that name a program's folders, below the data folder, where nothing can be mounted (`sandbox.py`)."""


class ProcessTree:
    """The process that holds a data folder, with all its descendants, as they are when this is made.

    Raises `psutil.NoSuchProcess` where the process has ended.
    """

    def __init__(self, pid: int, data_dir: Path) -> None:
        self.head = psutil.Process(pid)
        self._data_dir = data_dir
        self._others = {child for child in self._descendants() if child.pid != os.getpid()}

    def _descendants(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return self.head.children(recursive=True)
        return []

    def ended(self, timeout: float) -> bool:
        """Wait until the head has ended, at most `timeout` seconds; return True if it has."""
        return not psutil.wait_procs([self.head], timeout=timeout)[1]

    def kill(self) -> int:
        """Kill what still runs, the head first, and wait for that; return the number of processes that were killed.

        Most descendants end with the head by themselves; they are given a moment for that, and not counted.
        """
        self._others.update(child for child in self._descendants() if child.pid != os.getpid())
        killed = _kill([self.head])
        self._others.update(_strays(self._data_dir, self.head))
        _, left = psutil.wait_procs(self._others, timeout=1)
        return killed + _kill(left)


def _kill(processes: list[psutil.Process]) -> int:
    killed = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()  # psutil compares start times: a reused id is not killed
            killed += 1
    psutil.wait_procs(processes, timeout=5)
    return killed


def _strays(data_dir: Path, head: psutil.Process) -> list[psutil.Process]:
    """Return programs of a data folder that have left its tree: younger than its head, with folders below it."""
    below = tuple(f"{data_dir / name}{os.sep}" for name in ("lambda", "sagemaker"))
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.create_time() < head.create_time() or process.pid == os.getpid():
                continue
            variables = process.environ()
            if any(variables.get(name, "").startswith(below) for name in _PLACES):
                found.append(process)
    return found
