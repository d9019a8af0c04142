"""Shorten the waits of SageMaker SDK v2, which looks at a job every 30 seconds and has no setting for it.

`python fast_waits.py PROGRAM` runs a program so; a notebook's kernel calls `shorten` after each cell.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace

FACTOR = 20


def shorten() -> None:
    """Give `sagemaker.session`, once it is imported, a clock that runs `FACTOR` times as fast."""
    if (session := sys.modules.get("sagemaker.session")) and session.time is time:  # its waits use nothing else of it
        session.time = SimpleNamespace(  # type: ignore[attr-defined]
            time=lambda: FACTOR * time.time(), sleep=lambda seconds: time.sleep(seconds / FACTOR)
        )


if __name__ == "__main__":
    import sagemaker.session  # noqa: F401

    shorten()
    sys.path[0] = str(Path(sys.argv[1]).parent)
    runpy.run_path(sys.argv[1], run_name="__main__")
