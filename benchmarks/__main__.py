"""Measure one local cloud, as its clients see it: `make bench`, or `python -m benchmarks [--json FILE]`.

Every figure is taken through boto3 with one client in one process, after a warm-up that is not counted. The endpoint
serves a model trained on a few drawn pictures: its size, and so its speed, is that of the real one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import clouds, endpoint, executions, objects

Measurement = dict[str, float]
console = Console(stderr=True)


def timed(work: Callable[[], Any], count: int, warm_up: int) -> list[float]:
    """Return the milliseconds of each of `count` calls, after `warm_up` that are not counted."""
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1e3)
    return times


def percentiles(times: list[float]) -> Measurement:
    """Return p50, p95, p99 in milliseconds, and calls per second."""
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "per_second": 1e3 / (sum(times) / len(times))}


def measure(repeats: int) -> dict[str, Any]:
    """Run every measurement and return the figures with the machine they were taken on."""
    results: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    }
    with tempfile.TemporaryDirectory(prefix="scones-bench-") as folder:
        results["start_up_seconds"] = [clouds.cold_start(Path(folder) / f"start-{index}") for index in range(repeats)]
        with clouds.running(Path(folder) / "cloud") as cloud:
            for name, work, count in [*objects.cases(cloud), *executions.cases(cloud), *endpoint.cases(cloud)]:
                console.print(f"{name}: {count} calls", style="dim")
                results[name] = percentiles(timed(work, count, warm_up=count // 10))
    return results


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--repeats", type=int, default=5, help="cold starts to measure (default 5)")
    options = parser.parse_args()
    results = measure(options.repeats)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    table = Table("one client, through boto3", "p50 ms", "p95 ms", "p99 ms", "per second")
    for name, figures in results.items():
        if name not in ("machine", "start_up_seconds"):
            table.add_row(name, *(f"{figures[key]:,.2f}" for key in ("p50_ms", "p95_ms", "p99_ms", "per_second")))
    out = Console(file=sys.stdout)
    out.print(table)
    starts = sorted(results["start_up_seconds"])
    out.print(f"cold process to first healthy answer: median {starts[len(starts) // 2]:.2f} s of {len(starts)}")


if __name__ == "__main__":
    main()
