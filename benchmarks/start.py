"""Start-up time: from the start of a cloud's process with an empty folder to its first response."""

from __future__ import annotations

import itertools
from pathlib import Path

from benchmarks import clouds
from benchmarks.figures import Row, Scale, interleaved

PART = "Start"


def measure(scale: Scale, folder: Path) -> list[Row]:
    """Return the row of start-up times."""
    clouds.install()
    numbers = itertools.count()
    work = {
        name: lambda name=name: clouds.start_up(name, folder / f"start-{next(numbers)}") for name in clouds.STARTERS
    }
    return [Row(PART, "from the process's start to its first answer", "s", interleaved(work, scale.repeats + 2))]
