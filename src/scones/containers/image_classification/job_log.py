"""The log of a training job."""

from __future__ import annotations

import threading
import time


def log(message: str, level: str = "INFO") -> None:
    """Print one line in the format of the built-in algorithm's log."""
    moment = time.strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{moment} {level} {threading.get_ident()}] {message}", flush=True)  # noqa: T201 - stdout is the log
