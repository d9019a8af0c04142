"""The lock of a data folder: one process holds it, and any other can ask the kernel which one.

A POSIX record lock: it ends with its process, however that ends, children do not inherit it, and asking for its holder
(F_GETLK) takes nothing that could get in the way of a cloud that starts at the same moment.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

from scones.cloud.durable_files import open_file

_FLOCK = "@hhqqi" if sys.platform == "linux" else "@qqihh"
"""C's `struct flock`: type, whence, start, length, pid on Linux; start, length, pid, type, whence elsewhere."""
_held: set[Path] = set()
"""The lock files of this process."""


class FolderLock:
    """A data folder's lock. No other code in the holder's process may open the file: closing it ends the lock."""

    def __init__(self, data_dir: Path) -> None:
        self.path = lock_path(data_dir)
        self._descriptor: int | None = None
        self._identity = (0, 0)

    def take(self) -> bool:
        """Take the lock for this process; return False where another process holds it."""
        descriptor = open_file(self.path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows EAGAIN and EACCES
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        status = os.fstat(descriptor)
        self._descriptor, self._identity = descriptor, (status.st_dev, status.st_ino)
        _held.add(self.path)
        return True

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _held.discard(self.path)

    def in_place(self) -> bool:
        """Return False once the file has been deleted or moved, with its data folder as a rule."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - asked at every commit
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity


def lock_path(data_dir: Path) -> Path:
    """Return the path of a data folder's lock file."""
    return data_dir / "lock"


def holder(data_dir: Path) -> int | None:
    """Return the id of the process that holds a data folder's lock, or None.

    It is 0 for a process that this one cannot see, in another PID namespace.
    """
    if lock_path(data_dir) in _held:
        return os.getpid()
    try:
        descriptor = open_file(lock_path(data_dir), os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        kind, pid = _unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, _pack(fcntl.F_WRLCK)))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def _pack(kind: int) -> bytes:
    fields = (kind, os.SEEK_SET, 0, 0, 0) if sys.platform == "linux" else (0, 0, 0, kind, os.SEEK_SET)
    return struct.pack(_FLOCK, *fields)


def _unpack(answer: bytes) -> tuple[int, int]:
    fields = struct.unpack(_FLOCK, answer)
    return (fields[0], fields[4]) if sys.platform == "linux" else (fields[3], fields[2])
