"""The log stream of one execution environment: what the function writes, and AWS's own lines around it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

from scones.cloud.program_output import Lines

TAIL = 4096
"""Bytes of the log that LogType Tail answers with."""
WAITING_LINES, WAITING_BYTES = 1000, 262_144
"""Lines and bytes that are kept together before they are handed on."""

WriteLog = Callable[[str, list[tuple[int, str]]], asyncio.Future[None] | None]
"""Takes a log stream's name, and lines with their times (ms since 1970); returns a future to wait for, if any."""


class LogStream:
    """Collects lines, and hands them on in order."""

    def __init__(self, version: str, write: WriteLog) -> None:
        self.name = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{version}]{uuid.uuid4().hex}"
        self._write = write
        self._lines = Lines()
        self._waiting: list[tuple[int, str]] = []
        self._bytes = 0
        self._tail = b""

    def line(self, text: str) -> None:
        """Add a line."""
        encoded = text.encode(errors="replace")
        self._waiting.append((time.time_ns() // 1_000_000, text))
        self._bytes += len(encoded)
        self._tail = (self._tail + encoded[-TAIL:] + b"\n")[-TAIL:]

    def output(self, piece: bytes) -> asyncio.Future[None] | None:
        """Add what the function wrote; return a future to wait for before the next piece, if any.

        The runtime client parts the lines of one message by carriage returns.
        """
        for line in self._lines.add(piece):
            self.line(line.decode(errors="replace").replace("\r", "\n"))
        if len(self._waiting) < WAITING_LINES and self._bytes < WAITING_BYTES:
            return None
        return self.flush()

    def end_line(self) -> None:
        """End a line that the function has begun."""
        for line in self._lines.end():
            self.line(line.decode(errors="replace").replace("\r", "\n"))

    def flush(self) -> asyncio.Future[None] | None:
        """Hand on what has been collected; return a future to wait for before more is, if any."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        return self._write(self.name, waiting) if waiting else None

    def take_tail(self) -> bytes:
        """Return the last 4 KB since this was called last: since the initialisation, for a first invocation."""
        tail, self._tail = self._tail, b""
        return tail
