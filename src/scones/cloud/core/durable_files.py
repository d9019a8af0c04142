"""Small state files: replaced atomically, on disk before the call returns, and readable by their owner only."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

from scones.cloud.core.json_types import JsonDocument
from scones.cloud.errors import CloudError

_OTHER_USERS_BITS = 0o077
"""Permission bits of the group and of all other users."""
_NOT_A_FILE = frozenset({errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO})
"""Error numbers from opening a symbolic link (Linux and macOS, BSD), a folder, a pipe or a socket."""


class BrokenFileError(CloudError):
    """A state file is empty or does not contain a JSON object with the expected members."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


def open_file(path: Path, flags: int) -> int:
    """Open a state file and return its descriptor; a new file is readable by its owner only.

    Raises `CloudError` if the path is not a regular file: symbolic links are not followed, and opening a named pipe
    does not block.
    """
    try:
        # O_NONBLOCK has no effect on files; it keeps the opening of a named pipe from blocking.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            raise not_a_file_error(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_a_file_error(path)
    return descriptor


def not_a_file_error(path: Path) -> CloudError:
    """Return the error for a state file that is not a regular file."""
    return CloudError(f"{path} is not a regular file (a folder, a link or a pipe): move it away and try again.")


def write_durably(path: Path, text: str) -> None:
    """Replace a file atomically: readers see the old or the new content, even after a power loss."""
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
    """Sync a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_object(path: Path, *members: str) -> JsonDocument:
    """Read a JSON object with these text members; raises `BrokenFileError`, or `OSError` if the file is missing."""
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
    """Remove other users' permissions from a folder and its content; return the number of changed entries.

    The content is searched only if the folder or an entry directly in it is open to others: a search of all files at
    each start would take long. A hard-linked file keeps its mode, because another name of it may be outside the folder.
    Links are not followed.
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
    return not stat.S_ISLNK(found.st_mode) and not hard_linked and bool(found.st_mode & _OTHER_USERS_BITS)


def _close(path: str) -> bool:
    if not _open_to_others(path):
        return False
    try:
        Path(path).chmod(stat.S_IMODE(os.lstat(path).st_mode) & ~_OTHER_USERS_BITS)
    except (FileNotFoundError, PermissionError):  # deleted in the meantime, or owned by another user
        return False
    return True
