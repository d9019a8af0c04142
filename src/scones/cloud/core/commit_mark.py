"""The position of the last acknowledged commit, kept outside the write-ahead log to detect a damaged log.

SQLite reads a write-ahead log up to the first frame with a wrong checksum and silently drops the rest: it cannot
distinguish an incomplete last transaction from damage in the middle. After each commit the writer therefore copies
the log's position from the wal-index header (sqlite.org/walformat.html, section 2.1) to a small file. If the log ends
before that position at the next start, it is damaged. Both files are mapped into memory, so the copy needs no system
call, which would release the interpreter lock to another thread, and no fsync. The copy is made after the commit's
own fsync: it is never ahead of the log, and it survives the end of the process. After a power loss it may be older
than the log; it then detects less damage. A clean close removes the file.

SQLite also does not notice a log and a database of different ages, for example if only one of them was restored from
a backup: it mixes their pages. The database therefore counts its logs (`PRAGMA application_id`): the count increases
by one in each log, so that the database file has the count of its log or the preceding count.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import sqlite3
import struct
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from scones.cloud.core.durable_files import open_file
from scones.cloud.errors import CloudError

_INDEX_HEADER = struct.Struct("=16xII8x4s4s")
"""Fields of the wal-index header: number of valid frames, number of database pages, and the log's two salts."""
_MARK = struct.Struct("=I4s4sI")
"""Content of the file: number of valid frames, the two salts, and the CRC-32 of these."""
_COUNT = slice(68, 72)
"""Position of `application_id` in a database's header (sqlite.org/fileformat2.html, section 1.3)."""
_COUNTS = 2**31
"""Modulus of the counts."""
_LOG_SALT = slice(16, 20)
"""Position of the first salt in a log's header."""
_OLDER_LOGS = 10_000
"""Limit of the distance by which an older log's first salt precedes the recorded one.

A log at a greater distance belongs to another series of logs.
"""


def require_same_age(database: Path) -> None:
    """Raise `CloudError` for a database and a write-ahead log of different ages; neither file is changed."""
    log = database.with_name(f"{database.name}-wal")
    header, start = _start_of(database, _COUNT.stop), _start_of(log, _LOG_SALT.stop)
    if not header.startswith(b"SQLite format 3\0") or len(start) < _LOG_SALT.stop:  # other checks report this
        return
    try:
        # Closing a writable connection would checkpoint the log into the database.
        with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (with_log,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.Error:  # other checks report a damaged one
        return
    ahead = (with_log - int.from_bytes(header[_COUNT], "big")) % _COUNTS
    earlier = CommitMark(database).recorded_position()
    is_behind = (_number(earlier.salts[0]) - _number(start[_LOG_SALT])) % 2**32 if earlier else 0
    if ahead > 1 or 0 < is_behind < _OLDER_LOGS:
        raise CloudError(
            f"{database} and {log.name} do not belong together: one is older than the other, for example "
            f"because only one file was restored. Restore all files of one backup, or move {log.name} and "
            f"{database.name}-mark away to use the database without the log (docs/explanation/recovery.md)."
        )


def _start_of(path: Path, size: int) -> bytes:
    try:
        with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
            return file.read(size)
    except FileNotFoundError:
        return b""


def _number(salt: bytes) -> int:
    return int.from_bytes(salt, "big")


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The number of valid frames in a write-ahead log, and the log's salts, which change at each restart of the log."""

    frames: int
    salts: tuple[bytes, bytes]

    def follows(self, other: LogPosition) -> bool:
        """Return True if a log at this position contains everything that it contained at the other position.

        The first salt increases by one when the log restarts; it restarts only after a complete checkpoint.
        """
        if self.salts == other.salts:
            return self.frames >= other.frames
        return _number(self.salts[0]) == (_number(other.salts[0]) + 1) % 2**32


class CommitMark:
    """The file with the position of the last acknowledged commit, in the database's folder."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}-mark")
        self._index: mmap.mmap | None = None
        self._file: mmap.mmap | None = None
        self._salts: bytes | None = None
        """Salts of the log that contains the last commit."""
        self._uncounted = self._counting = False

    def count(self, connection: sqlite3.Connection) -> None:
        """Increase the log count if the log has restarted; call this in each transaction before its commit."""
        self._counting = self._uncounted
        if self._counting:
            (count,) = connection.execute("PRAGMA application_id").fetchone()
            connection.execute(f"PRAGMA application_id = {(count + 1) % _COUNTS}")

    def recorded_position(self) -> LogPosition | None:
        """Return the position recorded by a process that did not close the database, or None."""
        try:
            content = self._path.read_bytes()
            frames, one, other, crc = _MARK.unpack(content)
        except (OSError, struct.error):
            return None
        return LogPosition(frames, (one, other)) if zlib.crc32(content[:-4]) == crc else None

    def current_position(self) -> LogPosition:
        """Return the log's current position; requires an open connection that has read from the database."""
        if self._index is None:
            # Close this only after the last connection: closing any descriptor of a file drops SQLite's locks on it.
            self._descriptor = os.open(f"{self._database}-shm", os.O_RDONLY)
            self._index = mmap.mmap(self._descriptor, _INDEX_HEADER.size, mmap.MAP_SHARED, mmap.PROT_READ)
        frames, _, one, other = _INDEX_HEADER.unpack(self._index[:])
        return LogPosition(frames, (one, other))

    def record(self) -> None:
        """Record the current position: everything committed so far has been acknowledged."""
        try:
            if self._index is None or self._file is None:
                self.current_position()
                self._file = self._map()
            assert self._index is not None
        except OSError:  # the disk is full; the next commit tries again
            return
        content = self._index[16:20] + self._index[32:40]
        salts = content[4:]
        self._uncounted = not self._counting and (self._uncounted or salts != self._salts)
        self._salts = salts
        self._file[:] = content + zlib.crc32(content).to_bytes(4, sys.byteorder)

    def _map(self) -> mmap.mmap:
        file = open_file(self._path, os.O_RDWR | os.O_CREAT)
        try:
            os.pwrite(file, bytes(_MARK.size), 0)  # reserves the disk space that the mapping needs
            return mmap.mmap(file, _MARK.size)
        finally:
            os.close(file)

    def remove(self) -> None:
        """Delete the file, before a clean close of the database."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; call this after the last connection is closed."""
        for mapped in (self._index, self._file):
            if mapped is not None:
                mapped.close()
        if self._index is not None:
            os.close(self._descriptor)

    def damage(self, pages: int, page_size: int) -> str:
        """Return one sentence on what is missing from a database that was just opened, or "" if no loss is known.

        `pages` is the database's size according to its header. The damaged log is copied before anything is written.
        """
        earlier, now = self.recorded_position(), self.current_position()
        self._salts = b"".join(now.salts) if now.frames else None
        absent = pages - self._database.stat().st_size // page_size
        if absent > now.frames:
            return f"{self._database.name} is truncated: {absent} of its {pages} pages are missing."
        if earlier is None or now.follows(earlier):
            return ""
        log = Path(f"{self._database}-wal")
        size = log.stat().st_size if log.exists() else 0
        if not size:
            return (
                f"{log.name} is missing, although the previous run did not close the database. If another "
                "program has opened and closed the database since then, nothing is lost; otherwise the latest "
                "transactions are lost."
            )
        kept = log.with_name(f"{log.name}-damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        shutil.copyfile(log, kept)
        lost = earlier.frames - (now.frames if now.salts == earlier.salts else 0)
        return (
            f"{log.name} is damaged: {lost} of its {earlier.frames} pages are unusable, so the latest writes "
            f"of the previous run are lost. The damaged log is kept as {kept.name}."
        )
