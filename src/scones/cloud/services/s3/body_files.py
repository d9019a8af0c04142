"""Object bodies in files: synced to disk before a row refers to them, and kept until their last reader has finished."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import stat
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

from scones.cloud.core.durable_files import sync_folder
from scones.cloud.core.store import RETRY_SECONDS, WAIT_FOR_SPACE
from scones.cloud.errors import DiskFullError, is_disk_full
from scones.cloud.services.s3.checksum import ALGORITHMS, Digest

log = logging.getLogger(__name__)

SMALL_BODY = 64 * 1024
"""Largest body in bytes that is stored in the database, where a commit is faster than a file's two fsyncs."""
KEPT_DAYS = 7
"""Days for which a file without a row is kept."""
CHUNK = 1024 * 1024
"""Bytes of an incoming body that are hashed and written at once."""
PIECE_BYTES = 128 * 1024
"""Bytes of a body that are read at once: the memory used per client that does not read its response."""


@dataclass(frozen=True, slots=True)
class ReceivedBody:
    """A received body: its bytes if it is small, else the name of its file; its size, MD5 and checksums."""

    size: int
    md5: bytes
    digests: dict[str, bytes]
    data: bytes | None
    file: str | None


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A byte range of a file, with the size that the file must have."""

    file: str
    start: int
    length: int
    size: int


class DamagedFileError(Exception):
    """A body's file is missing, is not a regular file, or has the wrong size."""


class BodyFiles:
    """The folder of larger bodies. Use it on the event loop; it accesses the disk in threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unnamed = folder.with_name(f"{folder.name}-unnamed")
        self._begun = time.time()
        self._held: Counter[str] = Counter()
        self._to_delete: set[str] = set()

    async def make_folder(self) -> None:
        """Create the folder."""
        await asyncio.to_thread(self.folder.mkdir, parents=True, exist_ok=True)

    async def older_than_this_process(self) -> set[str]:
        """Return the names of files from before this process started, including those that were set aside."""

        def search() -> set[str]:
            folders = [folder for folder in (self.folder, self._unnamed) if folder.exists()]
            files = [path for folder in folders for path in folder.iterdir()]
            return {path.name for path in files if path.stat().st_mtime < self._begun}

        return await asyncio.to_thread(search)

    async def sweep(self, found: set[str], named: set[str]) -> None:
        """Set files aside that no row refers to: their requests were never answered, or their rows were lost.

        Read `named` after `found`. Files set aside for `KEPT_DAYS` are removed. A file that a row refers to again,
        because a database was restored, is moved back.
        """

        def sweep() -> None:
            self._unnamed.mkdir(exist_ok=True)
            oldest = time.time() - KEPT_DAYS * 86_400
            for path in [self._unnamed / name for name in found]:
                if not path.exists():
                    continue
                if path.name in named:
                    path.rename(self.folder / path.name)
                elif path.stat().st_mtime < oldest:
                    path.unlink()
            unnamed = [self.folder / name for name in found - named - set(self._held) if (self.folder / name).exists()]
            for path in unnamed:
                os.utime(path)  # from now on, the file's age is the time since it was set aside
                path.rename(self._unnamed / path.name)
            if unnamed:
                log.warning(
                    "%d files in %s do not belong to any object; they are kept in %s for %d days.",
                    len(unnamed),
                    self.folder,
                    self._unnamed,
                    KEPT_DAYS,
                )

        await asyncio.to_thread(sweep)

    async def receive(
        self, chunks: AsyncIterator[bytes], algorithms: Iterable[str], *, small: int = SMALL_BODY
    ) -> ReceivedBody:
        """Receive a complete body: synced to disk, or in memory if it has at most `small` bytes."""
        digests = {name: ALGORITHMS[name]() for name in set(algorithms)}
        incoming = _BodyWriter(self.folder / uuid.uuid4().hex, digests)
        buffer = bytearray()
        bound = small
        try:
            async for chunk in chunks:
                buffer += chunk
                if len(buffer) > bound:
                    await _with_disk_space(incoming.append, bytes(buffer))
                    buffer.clear()
                    bound = CHUNK
            if not incoming.size and len(buffer) <= small and small:
                incoming.update(bytes(buffer))
                return incoming.content(bytes(buffer), None)
            await _with_disk_space(incoming.append, bytes(buffer))
            await _with_disk_space(incoming.finish)
            return incoming.content(None, incoming.path.name)
        except BaseException:
            incoming.abandon()
            raise

    async def read(self, segments: Sequence[ByteRange]) -> AsyncIterator[bytes]:
        """Return an iterator over byte ranges of files, which stay readable if their object is deleted.

        Raises `DamagedFileError` before anything is read. The files are held before this coroutine first yields.
        """
        reading = _BodyReader(self, segments)
        if len(segments) == 1:  # one look-up is faster than starting a thread
            self._check(segments)
        else:
            await asyncio.to_thread(self._check, segments)
        return reading

    def _check(self, segments: Sequence[ByteRange]) -> None:
        for segment in segments:
            path = self.folder / segment.file
            try:
                found = path.lstat()
            except FileNotFoundError:
                raise DamagedFileError(f"{path} is missing") from None
            if not stat.S_ISREG(found.st_mode):
                raise DamagedFileError(f"{path} is not a file")
            if found.st_size != segment.size:
                raise DamagedFileError(f"{path} has {found.st_size} bytes instead of {segment.size}")

    def hold(self, names: Iterable[str]) -> None:
        """Keep files on disk until they are released, even if they are removed meanwhile."""
        self._held.update(names)

    def release(self, names: Iterable[str]) -> None:
        """Release held files, and delete those that were removed meanwhile."""
        for name in names:
            self._held[name] -= 1
            if not self._held[name]:
                del self._held[name]
                if name in self._to_delete:
                    self._to_delete.discard(name)
                    (self.folder / name).unlink(missing_ok=True)

    async def remove(self, names: Sequence[str]) -> None:
        """Remove files that no row refers to any more; a file that is being read is deleted after its last reader."""
        self._to_delete.update(name for name in names if name in self._held)
        idle = [name for name in names if name not in self._held]
        if idle:
            await asyncio.to_thread(self._unlink, idle)

    def _unlink(self, names: Sequence[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)


async def _with_disk_space(write: Callable[..., None], *data: bytes) -> None:
    """Write in a thread; if the disk is full, background work waits for room and requests raise `DiskFullError`."""
    reported = False
    while True:
        try:
            await asyncio.to_thread(write, *data)
        except OSError as error:
            if not is_disk_full(error):
                raise
            if not WAIT_FOR_SPACE.get():
                raise DiskFullError from error
            if not reported:
                log.warning("A body of at least %d bytes is waiting for disk space: %s", sum(map(len, data)), error)
            reported = True
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


class _BodyWriter:
    """A body being written and hashed."""

    def __init__(self, path: Path, digests: dict[str, Digest]) -> None:
        self.path = path
        self.size = 0
        self._written = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._digests = digests
        self._file: FileIO | None = None

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._md5.update(data)
        for digest in self._digests.values():
            digest.update(data)

    def append(self, data: bytes) -> None:
        """Write a chunk; raises `OSError` and leaves nothing of it in the file if the write fails."""
        if self._file is None:
            self._file = self.path.open("wb", buffering=0)
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._file.truncate(self._written)
            self._file.seek(self._written)
            raise
        self._written += len(data)
        self.update(data)

    def finish(self) -> None:
        """Sync the file and its folder entry to disk."""
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._file.close()
        sync_folder(self.path.parent)

    def abandon(self) -> None:
        if self._file is not None:
            self._file.close()
            self.path.unlink(missing_ok=True)

    def content(self, data: bytes | None, file: str | None) -> ReceivedBody:
        digests = {name: digest.digest() for name, digest in self._digests.items()}
        return ReceivedBody(self.size, self._md5.digest(), digests, data, file)


class _BodyReader:
    """An iterator over byte ranges of files, which holds the files until it ends or is dropped."""

    def __init__(self, files: BodyFiles, segments: Sequence[ByteRange]) -> None:
        self._files = files
        self._names = [segment.file for segment in segments]
        self._segments = list(reversed(segments))
        files.hold(self._names)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._segments:
            self.close()
            raise StopAsyncIteration
        segment = self._segments.pop()
        length = min(segment.length, PIECE_BYTES)
        if segment.length > length:
            self._segments.append(replace(segment, start=segment.start + length, length=segment.length - length))
        path = self._files.folder / segment.file
        data = _read_from_memory(path, segment.start, length)
        if data is None:
            return await asyncio.to_thread(_read, path, segment.start, length)
        await asyncio.sleep(0)  # lets other tasks run if the client reads fast
        return data

    def close(self) -> None:
        names, self._names = self._names, []
        self._files.release(names)

    def __del__(self) -> None:
        self.close()


def _read_from_memory(path: Path, start: int, length: int) -> bytes | None:
    """Return a piece from the page cache, or None; copying it is faster than starting a thread."""
    if sys.platform != "linux":
        return None
    buffer = bytearray(length)
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.preadv(file, [buffer], start, os.RWF_NOWAIT)
    except OSError:  # the read would block, or the file system does not support RWF_NOWAIT
        return None
    finally:
        os.close(file)
    return bytes(buffer) if size == length else None


def _read(path: Path, start: int, length: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), length, start)
    if len(data) != length:
        raise OSError(f"{path} is truncated before byte {start + length}.")
    return data
