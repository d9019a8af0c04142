"""Measure Scones and its alternatives on this machine: `make bench`, or `python -m benchmarks`.

    python -m benchmarks                    everything; writes docs/reference/benchmarks.md and its charts
    python -m benchmarks --only s3,lambda   only these parts; the document keeps the figures of the other parts
    python -m benchmarks --quick            a tenth of the calls, once; prints, and writes only to build/

The alternatives come from the package index and are installed into separate environments in build/peers on first use.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import availability, ceiling, clouds, executions, functions, growth, objects, report, start, workflow
from benchmarks.clouds import Cloud
from benchmarks.figures import Row, Scale
from benchmarks.results import Results
from benchmarks.serving import measurement as serving
from benchmarks.tables import goals, tables

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "benchmarks.json"
console = Console(stderr=True)

Part = Callable[[Scale, Path], list[Row]]


def of_s3(scale: Scale, folder: Path) -> list[Row]:
    """Measure S3 on the three clouds, on ministack with its objects on disk, and on a server that does no work."""
    ours, ministack, moto = clouds.STARTERS.values()
    on_disk = partial(clouds.ministack, on_disk=True)
    with clouds.running(folder, ours, ministack, on_disk, moto, ceiling.running) as running:
        return objects.measure(running, scale, folder)


def of_functions(measure: Callable[[list[Cloud], Scale], list[Row]], scale: Scale, folder: Path) -> list[Row]:
    """Measure services that need functions, on the clouds that run them."""
    with clouds.running(folder, clouds.scones, clouds.ministack) as running:
        return measure(running, scale)


PARTS: dict[str, Part] = {
    "start": start.measure,
    "availability": availability.measure,
    "s3": of_s3,
    "lambda": partial(of_functions, functions.measure),
    "executions": partial(of_functions, executions.measure),
    "growth": growth.measure,
    "serving": serving.measure,
    "workflow": workflow.measure,
}


def main() -> int:
    """Measure the selected parts, print them, and write the document. Returns 1 if a part could not be measured."""
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
    measured = []
    for name in names:
        try:
            results.put(name, *_measured(name, Scale(repeats=1, share=0.1) if options.quick else Scale()))
        except Exception:  # continue with the other parts
            console.print_exception()
            continue
        results.keep(kept)
        measured.append(name)
    _show(results, measured)
    if not options.quick:
        report.write(results, ROOT / "docs", list(PARTS))
    return 0 if measured == names else 1


def _measured(name: str, scale: Scale) -> tuple[list[Row], float]:
    console.print(f"{time.strftime('%H:%M:%S')} {name}", style="dim")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="scones-bench-") as folder:
        rows = PARTS[name](scale, Path(folder))
    return rows, time.perf_counter() - begun


def _show(results: Results, names: list[str]) -> None:
    out, rows = Console(file=sys.stdout), results.rows(*names)
    for table in filter(lambda made: made.lines, [*tables(rows), goals(rows)]):
        shown = Table(*table.head, title=table.title)
        for line in table.lines:
            shown.add_row(*(cell.replace("**", "") for cell in line))
        out.print(shown)
    for facts in (results.machine, results.versions):
        out.print(", ".join(f"{name} {value}" for name, value in facts.items()), highlight=False)


if __name__ == "__main__":
    sys.exit(main())
