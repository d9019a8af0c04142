"""Exceptions: AWS errors that services raise, and errors of a cloud that cannot run."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any


class CloudError(Exception):
    """The local cloud could not start or stop; the message says what to do."""


class ServiceError(Exception):
    """An AWS error to be returned to the client.

    `code` is AWS's own (`NoSuchBucket`, `ValidationException`). `status` is the HTTP status if the service model does
    not define one. Further keywords are the modelled members of the error (`OriginalStatusCode=500`).
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


_DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_disk_full(error: BaseException) -> bool:
    """Return True if a write failed for lack of space: a full disk, a quota, or a limit on file sizes."""
    return isinstance(error, OSError) and error.errno in _DISK_FULL_ERRNOS


def start_failure(error: Exception, data_dir: Path) -> CloudError | None:
    """Return the error for a cloud that the operating system prevents from starting, or None for any other failure."""
    number = error.errno if isinstance(error, OSError) else None
    if is_disk_full(error):
        return CloudError(f"The disk of {data_dir} is full: free up space, then start the cloud again.")
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return CloudError(
            f"Cannot write to {data_dir} ({os.strerror(number)}): specify another folder with --data-dir."
        )
    if isinstance(error, OSError) and error.filename and Path(error.filename) in (data_dir, *data_dir.parents):
        return CloudError(f"Cannot create {data_dir} ({error.strerror}): specify another folder with --data-dir.")
    if number in (errno.EMFILE, errno.ENFILE):
        return CloudError("The limit on open files is too low: raise it (`ulimit -n`).")
    if number in (errno.EAGAIN, errno.ENOMEM) or isinstance(error, MemoryError) or "start new thread" in str(error):
        return CloudError("The limits on memory or processes are too low: raise them (`ulimit -v`, `ulimit -u`).")
    return None


class DiskFullError(ServiceError):
    """A write failed because the disk is full; nothing of it is stored. AWS's clients retry on its status, 503."""

    def __init__(self) -> None:
        super().__init__(
            "ServiceUnavailable",
            "The disk of the local cloud's data folder is full; nothing was stored. Free up space and try again.",
            503,
        )
