"""The log stream of one execution environment: what the function writes, and AWS's own lines around it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

TAIL = 4096
"""Bytes of the log that LogType Tail answers with."""
LINE_LIMIT, WAITING_LIMIT = 262_144, 1000
"""Bytes of one log event, as CloudWatch Logs bounds it, and lines that are kept together before they are handed on."""


class LogStream:
    """Collects lines, and hands them on in order."""

    def __init__(self, version: str, write: Callable[[str, list[tuple[int, str]]], None]) -> None:
        self.name = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{version}]{uuid.uuid4().hex}"
        self._write = write
        self._partial = b""
        self._waiting: list[tuple[int, str]] = []
        self._tail = b""

    def line(self, text: str) -> None:
        """Add a line."""
        self._waiting.append((time.time_ns() // 1_000_000, text))
        self._tail = (self._tail + text.encode(errors="replace") + b"\n")[-TAIL:]
        if len(self._waiting) == WAITING_LIMIT:
            self.flush()

    def output(self, chunk: bytes) -> None:
        """Add what the function wrote; the runtime client parts the lines of one message by carriage returns."""
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace").replace("\r", "\n"))
        if len(self._partial) >= LINE_LIMIT:
            self.end_line()

    def end_line(self) -> None:
        """End a line that the function has begun."""
        if self._partial:
            self.output(b"\n")

    def flush(self) -> None:
        """Hand on what has been collected."""
        if self._waiting:
            self._write(self.name, self._waiting)
            self._waiting = []

    def take_tail(self) -> bytes:
        """Return the last 4 KB since this was called last: since the initialisation, for a first invocation."""
        tail, self._tail = self._tail, b""
        return tail
