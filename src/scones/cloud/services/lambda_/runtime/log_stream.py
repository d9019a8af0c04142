"""The log stream of one execution environment: the function's output, and Lambda's own lines around it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

from scones.cloud.core.clock import now_ms
from scones.cloud.process.program_output import LINE_LIMIT, Lines

TAIL = 4096
"""Maximum bytes of the log in a response to LogType Tail."""
WAITING_LINES, WAITING_BYTES = 1000, 262_144
"""Collected lines are written to the log as soon as they reach either this number of lines or this number of bytes."""

WriteLog = Callable[[str, list[tuple[int, str]]], asyncio.Future[None] | None]
"""Takes a log stream's name, and lines with their times (milliseconds since 1970); returns a future to wait for, if
any."""


class LogStream:
    """Collects lines, and writes them to the log in order."""

    def __init__(self, version: str, write: WriteLog) -> None:
        self.name = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{version}]{uuid.uuid4().hex}"
        self._write = write
        self._lines = Lines()
        self._waiting: list[tuple[int, str]] = []
        self._bytes = 0
        self._tail = b""

    def line(self, text: str) -> None:
        """Add a line with its line break, which AWS stores, too."""
        self._add(f"{text}\n")

    def _add(self, text: str) -> None:
        encoded = text.encode(errors="replace")
        self._waiting.append((now_ms(), text))
        self._bytes += len(encoded)
        self._tail = (self._tail + encoded[-TAIL:])[-TAIL:]

    def output(self, piece: bytes) -> asyncio.Future[None] | None:
        """Add a piece of the function's output; return a future to wait for before the next piece, if any."""
        for line in self._lines.add(piece):
            cut = len(line) > LINE_LIMIT - 4  # a part of a longer line, which has no line break
            self._add(_message(line) + ("" if cut else "\n"))
        if len(self._waiting) < WAITING_LINES and self._bytes < WAITING_BYTES:
            return None
        return self.flush()

    def end_line(self) -> None:
        """Add an unfinished line of the function's output."""
        for line in self._lines.end():
            self._add(_message(line))

    def flush(self) -> asyncio.Future[None] | None:
        """Write the collected lines to the log; return a future to wait for before the next ones, if any."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        return self._write(self.name, waiting) if waiting else None

    def take_tail(self) -> bytes:
        """Return the log since the last call, at most its last 4 KB.

        For a first invocation, that includes the output of the initialisation.
        """
        tail, self._tail = self._tail, b""
        return tail


def _message(line: bytes) -> str:
    """Return a line of output as a message: runtime clients separate the lines of one message with carriage returns."""
    return line.decode(errors="replace").replace("\r", "\n")
