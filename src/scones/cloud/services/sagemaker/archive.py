"""model.tar.gz archives: packing the files that a program left, and safe extraction before hosting."""

from __future__ import annotations

import contextlib
import gzip
import os
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, BinaryIO, cast

from scones.cloud.errors import is_disk_full
from scones.cloud.process.untrusted_files import (
    DEPTH_LIMIT,
    FILES_LIMIT,
    GB,
    Listing,
    UntrustedFile,
    remove_tree,
    stays_below,
)

RATIO_LIMIT = 100
"""Maximum ratio of content to compressed size for content above `ALWAYS_ALLOWED`; model weights have 1 to 3."""
ALWAYS_ALLOWED = 256 << 20
"""Bytes that any archive may unpack to, whatever its ratio."""
LIMIT_VARIABLE = "SCONES_MODEL_LIMIT_GB"
"""Environment variable of the cloud for the maximum size of an unpacked model in GB; on AWS, the volume limits it."""
LIMIT_GB = 30
PATH_LIMIT = 1024
"""Maximum length of a member's path in bytes, the same as that of an object's key."""
NAME_SHOWN = 100
"""Maximum number of characters of a path in an error message."""
HEADER_LIMIT = 1 << 20
"""Maximum size of one header of an archive in bytes; tarfile reads each header into memory."""
_CHUNK = 64 << 10
_GZIP = b"\x1f\x8b"


def pack(listings: Iterable[Listing], target: Path) -> bool:
    """Write files to the root of a tar.gz archive; of several files with one name, the first is taken.

    Returns False, and writes no archive, if there are no files.
    """
    taken: set[str] = set()
    with contextlib.ExitStack() as opened:
        archive: tarfile.TarFile | None = None
        for listing in listings:
            for member, file in _members(listing):
                if member.name in taken:
                    continue
                taken.add(member.name)
                if archive is None:
                    archive = opened.enter_context(tarfile.open(target, "w:gz", compresslevel=6))
                _add(archive, member, file)
    return archive is not None


def _members(listing: Listing) -> list[tuple[tarfile.TarInfo, UntrustedFile | None]]:
    members: list[tuple[tarfile.TarInfo, UntrustedFile | None]] = []
    for name in listing.folders:
        member = tarfile.TarInfo(name)
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        members.append((member, None))
    for name, link in listing.links.items():
        member = tarfile.TarInfo(name)
        member.type, member.linkname = tarfile.SYMTYPE, link
        members.append((member, None))
    members += [(tarfile.TarInfo(file.name), file) for file in listing.files]
    return sorted(members, key=lambda each: each[0].name)


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, file: UntrustedFile | None) -> None:
    if file is None:
        archive.addfile(member)
        return
    with file.open() as content:
        state = os.fstat(content.fileno())
        member.size, member.mode, member.mtime = state.st_size, state.st_mode & 0o777, int(state.st_mtime)
        archive.addfile(member, content)


def unpack(source: Path, folder: Path) -> None:
    """Extract an archive, compressed with gzip or uncompressed, into a new folder.

    Rejects members outside the folder, links that point outside it, devices, and content beyond the limits. The folder
    appears only when it is complete. Raises `tarfile.TarError` or `OSError`. Blocks.
    """
    draft = folder.with_name(folder.name + ".partial")
    remove_tree(draft)
    draft.mkdir(parents=True)
    try:
        with source.open("rb") as file:
            compressed = file.peek(2)[:2] == _GZIP
            size = os.fstat(file.fileno()).st_size
            limit = min(max(ALWAYS_ALLOWED, size * RATIO_LIMIT), _largest()) if compressed else _largest()
            plain = cast("IO[bytes]", gzip.GzipFile(fileobj=file) if compressed else file)
            bounded = _Bounded(plain, limit)
            # typeshed asks for all methods of a file; tarfile uses read, seek and tell
            with tarfile.open(fileobj=bounded, mode="r:") as archive:  # type: ignore[call-overload]
                _Extraction(draft, limit).run(archive)
            bounded.finish()
        draft.rename(folder)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise tarfile.ReadError(f"the archive is damaged: {error}.") from error
    finally:
        remove_tree(draft)


def _largest() -> int:
    given = os.environ.get(LIMIT_VARIABLE, "")
    return (int(given) if given.isdigit() and len(given) < 7 else LIMIT_GB) * GB


class _Bounded:
    """A file object for tarfile over an archive's uncompressed bytes, with limits on each read and on the position."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._end = limit + FILES_LIMIT * 4 * tarfile.BLOCKSIZE
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        if not 0 <= size <= HEADER_LIMIT:
            raise tarfile.ReadError(f"a header has {size} bytes; the limit is {HEADER_LIMIT}.")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        """Go to a position; the bytes up to it are decompressed."""
        if position > self._end:
            raise tarfile.ReadError("its declared size exceeds the limit.")
        return self._file.seek(position)

    def finish(self) -> None:
        """Read the bytes after the last member, so that gzip verifies the checksum at the end of the file."""
        while self._file.read(HEADER_LIMIT):
            if self._file.tell() > self._end:
                raise tarfile.ReadError("it exceeds the size limit.")


class _Extraction:
    """The extraction of one archive into a folder that nothing else writes to."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = self._left = limit
        self._count = 0
        self._files: set[str] = set()
        self._links: set[str] = set()

    def run(self, archive: tarfile.TarFile) -> None:
        """Extract every member; raises `tarfile.TarError` or `OSError`."""
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # typeshed omits it; they would fill memory
            self._count += 1
            if self._count > FILES_LIMIT:
                raise tarfile.ReadError(f"it has more than {FILES_LIMIT} members.")
            if name := self._checked(member.name):
                self._try(archive, member, name)

    def _try(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> None:
        """Extract a member; raise an error that names it, without folders of the host, if it cannot be written."""
        try:
            self._extract(archive, member, name)
        except OSError as error:
            if is_disk_full(error) or isinstance(error, gzip.BadGzipFile):
                raise
            shown = name if len(name) <= NAME_SHOWN else f"{name[:NAME_SHOWN]}…"
            raise tarfile.ReadError(f"{shown!r} cannot be written: {error.strerror}.") from error

    def _checked(self, name: str) -> str:
        """Return a member's path below the folder, "" for the folder itself."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        path = "/".join(parts)
        if ".." in parts or "\0" in name:
            raise tarfile.ReadError(f"{name!r} leads outside the archive.")
        if len(parts) > DEPTH_LIMIT or len(os.fsencode(path)) > PATH_LIMIT:
            raise tarfile.ReadError(f"a path has more than {PATH_LIMIT} bytes or more than {DEPTH_LIMIT} levels.")
        if any("/".join(parts[:end]) in self._links for end in range(1, len(parts))):
            raise tarfile.ReadError(f"{name!r} is inside a symbolic link.")
        return path

    def _extract(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> None:
        path = self._folder / name
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._links.discard(name)
        if member.issym():
            self._link(member, name)
        elif member.islnk() and (target := self._checked(member.linkname)) in self._files:
            os.link(self._folder / target, path, follow_symlinks=False)
            self._files.add(name)
        elif member.isfile():
            self._write(archive, member, path)
            self._files.add(name)
        else:
            raise tarfile.ReadError(f"{member.name!r} is not a file, a folder, or a link to either inside the archive.")

    def _link(self, member: tarfile.TarInfo, name: str) -> None:
        if not stays_below(name, member.linkname):
            raise tarfile.ReadError(f"{member.name!r} is a link that leads outside the archive.")
        (self._folder / name).symlink_to(member.linkname)
        self._files.discard(name)
        self._links.add(name)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        content = archive.extractfile(member)
        assert content is not None
        if member.size > self._left:
            raise self._too_large()
        with path.open("xb") as file:
            self._copy(content, file)
        path.chmod(member.mode & 0o755 | 0o600)
        with contextlib.suppress(OSError, OverflowError, ValueError):
            os.utime(path, (member.mtime, member.mtime))

    def _copy(self, content: IO[bytes], file: BinaryIO) -> None:
        while chunk := content.read(_CHUNK):
            self._left -= len(chunk)
            if self._left < 0:
                raise self._too_large()
            file.write(chunk)

    def _too_large(self) -> tarfile.ReadError:
        return tarfile.ReadError(
            f"its unpacked size exceeds {self._limit} bytes: the limit is {RATIO_LIMIT} times the compressed "
            f"size or {ALWAYS_ALLOWED} bytes, and {_largest()} bytes in total ({LIMIT_VARIABLE})."
        )
