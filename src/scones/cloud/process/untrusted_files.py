"""Safe reading of files that a program has left or is still changing: nothing outside one folder can be read.

At any moment, a program can replace a file or folder in its mounts with a symbolic link, a FIFO or another file. A path
is therefore opened part by part, each relative to the descriptor of the last one, without following links. Links are
resolved in code and may not lead above the root. An opened entry is checked before it is read.

A program may remove the owner's permissions from a file or folder. The owner is the cloud's user here; on AWS root
reads the files. The permissions are restored when the path is opened.

Hard links need no check: link(2) does not cross mounts in a mount namespace, so a program can link only its own files.
Without namespaces a program runs as the cloud's user and could read every file itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

FILES_LIMIT = 100_000
"""Maximum number of files and folders in a folder that is read. AWS documents none."""
DEPTH_LIMIT = 64
"""Maximum depth of folders in a folder that is read."""
LINKS_LIMIT = 40
"""Maximum number of symbolic links on one path, as in Linux."""
OPEN_LIMIT = 256
"""Maximum number of open folders on one path, after resolving links."""
GB = 1 << 30
VOLUME_GB = 30
"""Maximum size in GB of a job's files if its request has no VolumeSizeInGB."""
_ONLY_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_IS_LINK = (errno.ELOOP, errno.EMLINK)
"""Error numbers of O_NOFOLLOW for a symbolic link: ELOOP, and EMLINK on some BSDs."""


class UntrustedFilesError(ValueError):
    """A program left more files than allowed; the message states the exceeded limit."""


class LeadsOutError(OSError):
    """A path leads out of the folder through a link or `..`."""


@dataclass(frozen=True, slots=True)
class UntrustedFile:
    """A regular file of a listing, with its size in bytes and its modification time in ns when it was listed."""

    folder: UntrustedFolder
    path: str
    """Path relative to the root."""
    name: str
    """Path relative to the listed folder."""
    size: int
    changed: int

    def open(self) -> BinaryIO:
        """Open the file for reading; raises `OSError` if it is no longer a regular file in the folder."""
        return self.folder.open(self.path)


@dataclass(slots=True)
class Listing:
    """The content of a folder: files, folders, links to folders, and the reason for each omitted entry."""

    files: list[UntrustedFile] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    """Links to folders inside the listed folder, with their relative targets."""
    omitted: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UntrustedFolder:
    """A host folder that a program can write to, and sees as `container_path`."""

    root: Path
    container_path: str = "/opt/ml"

    def open(self, path: str) -> BinaryIO:
        """Open a regular file by its path in the root; raises `OSError`, and `LeadsOutError` if the path leads out."""
        descriptor = self._descriptor(path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "is not a regular file", path)
        return os.fdopen(descriptor, "rb")

    def read(self, path: str, limit: int) -> bytes | None:
        """Return the first `limit` bytes of a file, or None if there is no such regular file in the folder."""
        try:
            with self.open(path) as file:
                return file.read(limit)
        except OSError:
            return None

    def files(self, folder: str = "", *, limit: int) -> Listing:
        """Return the files and folders below a folder, sorted by name; none if it is missing or leads out. Blocks.

        A link to a file inside the root is listed as the file. Raises `UntrustedFilesError` for more than `FILES_LIMIT`
        entries, more than `DEPTH_LIMIT` levels, or files of more than `limit` bytes in total.
        """
        found = Listing()
        try:
            descriptor = self._descriptor(folder)
        except FileNotFoundError:
            return found
        except OSError as error:
            found.omitted.append(f"{self._shown_path(folder)}: {error.strerror or error}")
            return found
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                self._walk(descriptor, folder, "", found)
            else:
                found.omitted.append(f"{self._shown_path(folder)}: is not a folder")
        finally:
            os.close(descriptor)
        if (size := sum(file.size for file in found.files)) > limit:
            raise UntrustedFilesError(
                f"{self._shown_path(folder)} has {size} bytes of files; the limit is {limit} bytes"
            )
        return found

    def _walk(self, descriptor: int, folder: str, below: str, found: Listing) -> None:
        if below.count("/") >= DEPTH_LIMIT:
            raise UntrustedFilesError(
                f"{self._shown_path(folder)} has folders nested more than {DEPTH_LIMIT} levels deep"
            )
        for entry in self._entries(descriptor, folder, found):
            name = below + entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    found.folders.append(name)
                    inner = _open_permitted(entry.name, _FOLDER, descriptor)
                    try:
                        self._walk(inner, folder, f"{name}/", found)
                    finally:
                        os.close(inner)
                else:
                    self._add_entry(entry, descriptor, folder, name, found)
            except FileNotFoundError:  # the program is still running
                continue
            except OSError as error:
                found.omitted.append(f"{self._shown_path(folder, name)}: {error.strerror or error}")

    def _entries(self, descriptor: int, folder: str, found: Listing) -> list[os.DirEntry[str]]:
        entries = []
        with os.scandir(descriptor) as scanned:
            for entry in scanned:
                entries.append(entry)
                if len(entries) + len(found.files) + len(found.folders) > FILES_LIMIT:
                    raise UntrustedFilesError(f"{self._shown_path(folder)} has more than {FILES_LIMIT} files")
        return sorted(entries, key=lambda entry: entry.name)

    def _add_entry(self, entry: os.DirEntry[str], descriptor: int, folder: str, name: str, found: Listing) -> None:
        if not _is_text(entry.name):
            raise OSError(errno.EILSEQ, "its name is not UTF-8")
        path = "/".join(filter(None, (folder, name)))
        state = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(state.st_mode):
            with _closed(self._descriptor(path)) as target:
                state = os.fstat(target)
            if stat.S_ISDIR(state.st_mode):
                text = os.readlink(entry.name, dir_fd=descriptor)
                if not stays_below(name, text):
                    raise OSError(errno.EINVAL, "is a link to a folder; such links are not followed")
                found.links[name] = text
                return
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        found.files.append(UntrustedFile(self, path, name, state.st_size, state.st_mtime_ns))

    def _descriptor(self, path: str) -> int:
        """Open the target of a path relative to the root, for reading; links are resolved inside the root."""
        opened = [_open_permitted(self.root, _FOLDER)]
        waiting = path.split("/")[::-1]
        links = 0
        try:
            while waiting:
                part = waiting.pop()
                if part in ("", "."):
                    continue
                if part == "..":
                    if len(opened) == 1:
                        raise LeadsOutError(errno.EXDEV, f"leads outside {self.container_path}")
                    os.close(opened.pop())
                    continue
                try:
                    opened.append(_open_permitted(part, _ONLY_READ, opened[-1]))
                except OSError as error:
                    if error.errno not in _IS_LINK:
                        raise
                    links += 1
                    waiting += self._target(os.readlink(part, dir_fd=opened[-1]), opened)
                if links > LINKS_LIMIT or len(opened) > OPEN_LIMIT:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            return opened.pop()
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def _target(self, text: str, opened: list[int]) -> list[str]:
        """Return the parts of a link's target in reverse order; an absolute target is a path as the program sees it."""
        if text.startswith("/"):
            if not f"{text}/".startswith(f"{self.container_path}/"):
                raise LeadsOutError(errno.EXDEV, f"leads outside {self.container_path}")
            text = text[len(self.container_path) :]
            while len(opened) > 1:
                os.close(opened.pop())
        return text.split("/")[::-1]

    def _shown_path(self, *parts: str) -> str:
        return os.fsencode("/".join([self.container_path, *filter(None, parts)])).decode(errors="replace")


def _open_permitted(name: str | Path, flags: int, folder: int | None = None) -> int:
    """Open an entry of a folder; if the owner lacks the permission to read it, grant that first."""
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except PermissionError:
        if not _permit(name, folder):
            raise
        return os.open(name, flags, dir_fd=folder)
    state = os.fstat(descriptor)
    if stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid() and state.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.fchmod(descriptor, stat.S_IMODE(state.st_mode) | stat.S_IRWXU)
    return descriptor


def _permit(name: str | Path, folder: int | None) -> bool:
    """Grant the owner of a file or folder the permissions to read it; return False if this is not possible.

    The entry is opened with O_PATH (Linux), which needs no permission and follows no link, so that the program cannot
    replace the entry before the change.
    """
    if not hasattr(os, "O_PATH"):
        return False
    with _closed(os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)) as entry:
        state = os.fstat(entry)
        missing = stat.S_IRWXU if stat.S_ISDIR(state.st_mode) else stat.S_IRUSR | stat.S_IWUSR
        known = stat.S_ISDIR(state.st_mode) or stat.S_ISREG(state.st_mode)
        if not known or state.st_uid != os.geteuid() or state.st_mode & missing == missing:
            return False
        os.chmod(f"/proc/self/fd/{entry}", stat.S_IMODE(state.st_mode) | missing)  # noqa: PTH101 - a descriptor
    return True


@contextlib.contextmanager
def _closed(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def stays_below(name: str, target: str) -> bool:
    """Return True if a link at `name` cannot lead out of the folder that contains `name`, regardless of other links."""
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    return not target.startswith("/") and up <= name.count("/") and ".." not in parts[up:]


def remove_tree(folder: Path) -> None:
    """Delete a folder and its content at any depth; entries that cannot be deleted stay. Blocks.

    `shutil.rmtree` needs a stack frame and a descriptor for each level: a thousand nested folders make it fail with
    RecursionError. Here a folder's subfolders are moved to the root before the folder is deleted.
    """
    try:
        root = _open_permitted(folder, _FOLDER)
    except FileNotFoundError:
        return
    except OSError:
        with contextlib.suppress(OSError):
            folder.unlink()
        return
    try:
        number, stuck = 0, set[str]()
        while names := _names(root) - stuck:
            for name in names:
                try:
                    number = _remove(root, name, number)
                except OSError:
                    stuck.add(name)
    finally:
        os.close(root)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _remove(root: int, name: str, number: int) -> int:
    """Delete an entry of the root after moving its subfolders to the root; `number` is that of the last moved one."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=root)
        return number
    os.chmod(name, 0o700, dir_fd=root)
    with _closed(os.open(name, _FOLDER, dir_fd=root)) as inner:
        for child in _names(inner):
            if not stat.S_ISDIR(os.stat(child, dir_fd=inner, follow_symlinks=False).st_mode):
                os.unlink(child, dir_fd=inner)
                continue
            os.chmod(child, 0o700, dir_fd=inner)
            number += 1
            while _exists(root, f"removed-{number}"):
                number += 1
            os.rename(child, f"removed-{number}", src_dir_fd=inner, dst_dir_fd=root)
    os.rmdir(name, dir_fd=root)
    return number


def _names(folder: int) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}


def _exists(root: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=root, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
