"""The last error in a container's output, which failure reasons quote."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_CHARACTERS = 512
"""Number of characters of a line that are read, and that a failure reason quotes."""
_TRACEBACK = "Traceback (most recent call last):"
_RANK = re.compile(r"\[rank\d+\]: ?")
"""Prefix of a line from a process of a distributed PyTorch job."""
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?::\s.*)?$")
_LOGGED = re.compile(r".*\s(?:ERROR|CRITICAL)\s+(?P<message>\S.*)")
"""A record in the format of AWS's toolkits: time, logger, level and message."""
_COMMAND = re.compile(r"\S+: error: .+|(?:\S*/)?(?:python[\d.]*|(?:ba)?sh): .+")
"""An error of argparse, or of Python or a shell that cannot run a script."""


class LastError:
    """The last exception in lines of output, or the last error message if no exception was printed."""

    def __init__(self) -> None:
        self._in_traceback = False
        self._exception = ""
        self._message = ""

    def read(self, lines: Iterable[str]) -> None:
        """Read further lines."""
        for text in lines:
            line = text[:MAX_CHARACTERS]
            self._read(_RANK.sub("", line, count=1) if line.startswith("[rank") else line)

    def _read(self, line: str) -> None:
        if line.startswith(_TRACEBACK):
            self._in_traceback = True
        elif self._in_traceback and line[:1].strip():
            self._in_traceback = False
            if _EXCEPTION.match(line):
                self._exception = line
        elif found := _LOGGED.match(line) if " ERROR " in line or " CRITICAL " in line else None:
            self._message = found["message"]
        elif _COMMAND.match(line):
            self._message = line

    @property
    def text(self) -> str:
        """The error's first line, shortened; "" if there is none."""
        return (self._exception or self._message).strip()
