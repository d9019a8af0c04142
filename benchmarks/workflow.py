"""All of `scones run`, step by step, with a new data folder each time.

It uses real images if SCONES_BENCHMARK_ARCHIVE names CIFAR-100's archive, or if the archive exists in ../shared/data
next to the checkout. Otherwise `scones run` downloads the archive or draws images, as part of the second step.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import processes
from benchmarks.clouds import OURS
from benchmarks.figures import Row, Scale, collected

PART = "The whole workflow: `scones run`"
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data" / "cifar-100-python.tar.gz"
STEPS = (
    "start the local cloud",
    "extract, transform, load",
    "train and validate",
    "endpoint with capture in service",
    "three functions",
    "200 executions",
    "captures and report",
)
WHOLE = "everything"
GOALS = {STEPS[1]: 10.0, STEPS[3]: 3.0, STEPS[5]: 15.0, WHOLE: 180.0}
"""Goals in seconds."""


class IncompleteError(Exception):
    """The run was incomplete; the message is its last line of output."""


def measure(scale: Scale, folder: Path) -> list[Row]:
    """Return a row for each step and one for the total."""
    options = [] if scale.share == 1 else ["--epochs", "2"]
    cells = collected({OURS: lambda: _run(folder, options)}, [*STEPS, WHOLE], scale.repeats)
    rows = [Row(PART, what, "s", cell) for what, cell in cells.items()]
    for row in rows:
        if row.what in GOALS:
            row.want_at_most(OURS, GOALS[row.what])
    return rows


def _run(folder: Path, options: list[str]) -> dict[str, float]:
    """Return the seconds from each step's announcement to the next. Raises `IncompleteError`."""
    archive = os.environ.get("SCONES_BENCHMARK_ARCHIVE") or (str(BESIDE) if BESIDE.exists() else None)
    command = [str(Path(sys.executable).with_name("scones")), "run", "--data-dir", tempfile.mkdtemp(dir=folder)]
    command += [*(["--source", archive] if archive else []), *options]
    begun, moments, lines = time.perf_counter(), [], []
    with subprocess.Popen(
        command,
        env=processes.environment({"PYTHONUNBUFFERED": "1"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.strip())
            if re.match(rf"\d/{len(STEPS)}  |Summary", line):
                moments.append(time.perf_counter())
    if process.returncode or len(moments) != len(STEPS) + 1:
        raise IncompleteError(lines[-1] if lines else "it said nothing")
    figures = {step: after - before for step, before, after in zip(STEPS, moments, moments[1:], strict=False)}
    return figures | {WHOLE: time.perf_counter() - begun}
