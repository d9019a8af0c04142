"""Small state files: replaced as a whole, on disk before the call returns, and readable by their owner alone."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

from scones.cloud.errors import CloudError

_OTHERS = 0o077
"""The permission bits of everybody but the owner."""
_NOT_A_FILE = frozenset({errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO})
"""Error numbers of opening a symbolic link (Linux and macOS, BSD), a folder, and a pipe or a socket."""


class BrokenFileError(CloudError):
    """A small state file that is empty or does not contain a JSON object with the expected members."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


def open_file(path: Path, flags: int) -> int:
    """Open a state file and return its descriptor; one that is made is readable by its owner alone.

    Raises `CloudError` for what is not a file: no symbolic link is followed, and no named pipe waited for.
    """
    try:
        # O_NONBLOCK does nothing to files, and keeps the opening of a named pipe from waiting for its other end.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            raise not_a_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_a_file(path)
    return descriptor


def not_a_file(path: Path) -> CloudError:
    """Return the error of a state file in whose place there is something else."""
    return CloudError(f"{path} is not a regular file (a folder, a link or a pipe): move it away and try again.")


def write_durably(path: Path, text: str) -> None:
    """Replace a file: readers see the old or the new content, also after a loss of power."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = open_file(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_object(path: Path, *members: str) -> dict[str, Any]:
    """Return a JSON object that has these text members; raises `BrokenFileError`, or `OSError` without the file."""
    with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
        content = file.read()
    if not content.strip(b"\0 \r\n\t"):
        raise BrokenFileError(path, "is empty")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BrokenFileError(path, "is not valid JSON") from None
    if not isinstance(document, dict):
        raise BrokenFileError(path, "does not contain a JSON object")
    for member in members:
        if not isinstance(document.get(member), str) or not document[member]:
            raise BrokenFileError(path, f"has no {member}")
    return document


def make_private(folder: Path) -> int:
    """Take a folder and what it contains from everybody but the owner; return the number of changed entries.

    Everything is visited only where the folder, or an entry directly in it, is open to others: a search of all
    files at each start would take long. A file with several names (a hard link) keeps its mode, because another name
    of it may be outside; links are not followed.
    """
    with os.scandir(folder) as found:
        tops = [entry.path for entry in found]
    if not any(_open_to_others(path) for path in (str(folder), *tops)):
        return 0
    changed = int(_close(str(folder)))
    for parent, folders, files in os.walk(folder):
        changed += sum(_close(f"{parent}/{name}") for name in (*folders, *files))
    return changed


def _open_to_others(path: str) -> bool:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    hard_linked = stat.S_ISREG(found.st_mode) and found.st_nlink > 1
    return not stat.S_ISLNK(found.st_mode) and not hard_linked and bool(found.st_mode & _OTHERS)


def _close(path: str) -> bool:
    if not _open_to_others(path):
        return False
    try:
        Path(path).chmod(stat.S_IMODE(os.lstat(path).st_mode) & ~_OTHERS)
    except (FileNotFoundError, PermissionError):  # removed meanwhile, or another user's
        return False
    return True
