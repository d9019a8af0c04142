"""Execution of a user's command: its output goes to the log, the end of its stderr to the job's FailureReason."""

from __future__ import annotations

import builtins
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

# The toolkit quotes a script's stderr from the first line that contains one of these names.
ERRORS = (
    *(
        name
        for name, kind in vars(builtins).items()
        if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning)
    ),
    "Invalid requirement",
    "ResourceExhaustedError",
    "OutOfRangeError",
    "InvalidArgumentError",
    "ORTE",
)
LAST_LINES = 5
"""Number of last lines that are quoted if none contains a known error."""
MAX_KEPT_LINES = 2000
"""Maximum number of stderr lines that are kept."""
CHUNK = 65536


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command; return its exit status and the quoted errors. SIGTERM is forwarded to the command.

    If a signal kills it, the exit status is 128 + signal, as in a shell. Raises `OSError` if it cannot be started.
    """
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE)
    before = signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    try:
        assert process.stderr is not None
        lines = _copy(process.stderr)
        status = process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    return status if status >= 0 else 128 - status, quote(lines)


def _copy(stream: IO[bytes]) -> list[str]:
    """Copy a stream to this program's stderr as it arrives; return its last lines."""
    lines: list[str] = []
    rest = b""
    while chunk := os.read(stream.fileno(), CHUNK):
        sys.stderr.buffer.write(chunk)
        sys.stderr.buffer.flush()
        *whole, rest = (rest + chunk).split(b"\n")
        lines += [line.decode(errors="replace") for line in whole]
        del lines[:-MAX_KEPT_LINES], whole
    return [*lines, rest.decode(errors="replace")]


def quote(lines: Iterable[str]) -> str:
    """Return a script's errors in the toolkit's format: no repeated lines, each but the first indented by a space."""
    stripped = [line.strip(" :\r") for line in lines]
    first = next((index for index, line in enumerate(stripped) if any(name in line for name in ERRORS)), None)
    kept = [line for line in stripped if line][-LAST_LINES:] if first is None else stripped[first:]
    return "\n ".join(dict.fromkeys(line for line in kept if line))
