"""Output of programs: read in bounded pieces, no faster than it is stored, and split into lines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

PIECE_BYTES, PIECE_LINES = 65_536, 1000
"""Maximum size of a piece, in bytes and in lines: lines cost more than bytes."""
LINE_LIMIT = 262_144 - 26
"""Maximum length of a line in bytes; a longer one is split.

AWS splits the lines of programs at 256 KB, the former limit of a CloudWatch Logs event, minus the 26 bytes that it adds
to the size of each event. PutLogEvents has accepted 1 MB since April 2025; users still saw functions' lines split after
that.
"""
STALLED_SECONDS = 5.0
"""Seconds without progress after which the remaining output of an ended program is discarded: the disk is full."""

Output = Callable[[bytes], asyncio.Future[None] | None]
"""Function that takes a piece and returns a future to wait for before the next piece, or None."""


class ProgramOutput:
    """Reader of a program's standard output and error.

    Nothing is read while the future that `on_output` returned is pending: the pipe fills up, and the program's writes
    block.
    """

    def __init__(self, descriptor: int, on_output: Output) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._on_output = on_output
        self._loop = asyncio.get_running_loop()
        self._unread_piece = b""
        self._stored: asyncio.Future[None] | None = None
        self._pieces = 0
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(descriptor, self._read)

    async def drain(self, seconds: float) -> None:
        """Pass the output written so far to `on_output`, for at most `seconds`; the rest follows later."""
        end = self._loop.time() + seconds
        while self._read() or self._stored is not None:
            if self._stored is not None:
                await asyncio.wait({self._stored}, timeout=end - self._loop.time())
            else:
                await asyncio.sleep(0)
            if self._loop.time() >= end:
                return

    async def finish(self) -> None:
        """Wait until the output ends; discard the rest if it cannot be stored."""
        while not self.ended.done():
            pieces = self._pieces
            await asyncio.wait({self.ended}, timeout=STALLED_SECONDS)
            if self._stored is not None and self._pieces == pieces and not self.ended.done():
                self._end()

    def _read(self) -> bool:
        """Pass on a piece if there is one and the last one is stored; return True if there may be more."""
        if self._stored is not None or self.ended.done():
            return False
        try:
            self._unread_piece = self._unread_piece or os.read(self._descriptor, PIECE_BYTES)
        except BlockingIOError:
            return False
        if not self._unread_piece:
            self._end()
            return False
        piece, self._unread_piece = _split_line(self._unread_piece)
        self._pieces += 1
        self._stored = self._on_output(piece)
        if self._stored is not None:
            self._loop.remove_reader(self._descriptor)
            self._stored.add_done_callback(self._resume)
        elif self._unread_piece:
            self._loop.call_soon(self._read)
        return True

    def _resume(self, _: asyncio.Future[None]) -> None:
        self._stored = None
        if not self.ended.done():
            self._loop.add_reader(self._descriptor, self._read)
            self._read()

    def _end(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self.ended.set_result(None)


class Lines:
    """Splits output into lines without line ends."""

    def __init__(self) -> None:
        self._begun = b""

    def add(self, piece: bytes) -> list[bytes]:
        """Add output; return the lines that are complete or have reached the limit."""
        *lines, self._begun = (self._begun + piece).split(b"\n")
        if len(self._begun) > LINE_LIMIT or any(len(line) > LINE_LIMIT for line in lines):
            lines = [part for line in lines for part in _cut(line)]
            *parts, self._begun = _cut(self._begun)
            lines += parts
        return lines

    def end(self) -> list[bytes]:
        """Return the last, incomplete line, if any."""
        begun, self._begun = self._begun, b""
        return [begun] if begun else []


def _split_line(data: bytes) -> tuple[bytes, bytes]:
    """Return the first piece of the data, and the rest."""
    if data.count(b"\n") <= PIECE_LINES:
        return data, b""
    end = 0
    for _ in range(PIECE_LINES):
        end = data.index(b"\n", end) + 1
    return data[:end], data[end:]


def _cut(line: bytes) -> list[bytes]:
    """Split a line into parts no longer than the limit; UTF-8 characters are not divided."""
    parts = []
    while len(line) > LINE_LIMIT:
        end = LINE_LIMIT
        while end > LINE_LIMIT - 4 and line[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(line[:end])
        line = line[end:]
    return [*parts, line]
