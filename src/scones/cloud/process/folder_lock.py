"""The lock of a data folder: one process holds it, and any process can ask the kernel which one.

It is a POSIX record lock: the kernel releases it when its process ends for any reason, and children do not inherit it.
Querying the holder (F_GETLK) takes no lock, so it cannot interfere with a cloud that starts at the same moment.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

from scones.cloud.core.durable_files import open_file

_FLOCK = "@hhqqi" if sys.platform == "linux" else "@qqihh"
"""C's `struct flock`: type, whence, start, length, pid on Linux; start, length, pid, type, whence elsewhere."""
_held_locks: set[Path] = set()
"""Paths of the lock files that this process holds."""


class FolderLock:
    """A data folder's lock.

    No other code in the holder's process may open the file: closing any descriptor of it releases the lock.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = lock_path(data_dir)
        self._descriptor: int | None = None
        self._identity = (0, 0)

    def acquire(self) -> bool:
        """Take the lock for this process; return False if another process holds it."""
        descriptor = open_file(self.path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows EAGAIN and EACCES
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        status = os.fstat(descriptor)
        self._descriptor, self._identity = descriptor, (status.st_dev, status.st_ino)
        _held_locks.add(self.path)
        return True

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _held_locks.discard(self.path)

    def is_intact(self) -> bool:
        """Return False if the lock file has been deleted or moved, usually together with its data folder."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - called at every commit
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity


def lock_path(data_dir: Path) -> Path:
    """Return the path of a data folder's lock file."""
    return data_dir / "lock"


def holder(data_dir: Path) -> int | None:
    """Return the id of the process that holds a data folder's lock, or None.

    The id is 0 for a process in another PID namespace, which this process cannot see.
    """
    if lock_path(data_dir) in _held_locks:
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
