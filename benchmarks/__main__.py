"""Measure Scones beside what else there is, on this machine: `make bench`, or `python -m benchmarks`.

    python -m benchmarks                    everything; writes docs/benchmarks.md and its chart
    python -m benchmarks --only s3,lambda   these parts; the document keeps the figures of the others
    python -m benchmarks --quick            a tenth of it, once; printed, and written nowhere but in build/

Peers come from the package index into build/peers, each in an environment of its own, on first use.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import clouds, executions, functions, objects, report, start
from benchmarks.figures import Row, Scale
from benchmarks.report import Results

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "benchmarks.json"
console = Console(stderr=True)

Part = Callable[[Scale, Path], list[Row]]


def of_clouds(measure: Callable[..., list[Row]], *, needs_folder: bool = False) -> Part:
    """Return a part that measures the three clouds, all running."""

    def part(scale: Scale, folder: Path) -> list[Row]:
        with clouds.all_running(folder) as running:
            return measure(running, scale, folder) if needs_folder else measure(running, scale)

    return part


PARTS: dict[str, Part] = {
    "start": start.measure,
    "s3": of_clouds(objects.measure, needs_folder=True),
    "lambda": of_clouds(functions.measure),
    "executions": of_clouds(executions.measure),
}


def main() -> None:
    """Measure the parts asked for, print them, and write the document."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="A,B", default=",".join(PARTS), help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls, one repeat, no document")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]}: name some of {', '.join(PARTS)}")
    kept = KEPT.with_name("benchmarks-quick.json") if options.quick else KEPT
    results = Results.begin(kept)
    for name in names:
        results.put(name, *_measured(name, Scale(repeats=1, share=0.1) if options.quick else Scale()))
        results.write(kept)
    report.show(results, Console(file=sys.stdout))
    if not options.quick:
        report.write(results, ROOT / "docs")


def _measured(name: str, scale: Scale) -> tuple[list[Row], float]:
    console.print(f"{time.strftime('%H:%M:%S')} {name}", style="dim")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="scones-bench-") as folder:
        rows = PARTS[name](scale, Path(folder))
    return rows, time.perf_counter() - begun


if __name__ == "__main__":
    main()
