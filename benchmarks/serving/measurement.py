"""The same model and images on every server: closed loops of 1, 8 and 32 clients, and arrivals at a constant rate."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import clouds, processes
from benchmarks.figures import Cell, Row, Scale, collected, percentile, timed
from benchmarks.peers import PeerError
from benchmarks.serving import endpoint, load, ours
from benchmarks.serving.apps.predictor import Predictor
from benchmarks.serving.frameworks import FRAMEWORKS, WORKERS
from benchmarks.serving.target import IMAGES, Start

FLOOR, BARE, ENDPOINT = "floor: a loop in one process", "Scones model server", "Scones endpoint, signed and captured"
PEERS = [framework.title for framework in FRAMEWORKS]
CLIENTS = (1, 8, 32)
RATE = 200
SECONDS = 2.5
COLUMNS = (("requests", "per s"), ("p50", "ms"), ("p95", "ms"), ("p99", "ms"), ("errors", ""))
LOADS = [*(f"Serving: {count} client{'s' * (count > 1)}" for count in CLIENTS), f"Serving: {RATE} arrivals per second"]
STANDING = "Serving: start and memory"
RESTING = (("ready after", "s"), ("memory after the load", "MB"))


def measure(scale: Scale, folder: Path) -> list[Row]:
    """Return the rows of serving."""
    lacking = _install()
    with clouds.scones(folder / "cloud") as cloud:
        base = endpoint.deploy(cloud, folder / "artifact")
        model = base / "model" / "model.onnx"
        floor = Predictor(str(model))
        expected = [floor(content) for content in IMAGES]
        starts = {BARE: ours.model_server(base), ENDPOINT: ours.gateway(cloud)}
        starts |= {one.title: one.starter(model) for one in FRAMEWORKS if one.title not in lacking}
        work: dict[str, Callable[[], dict[str, float]]] = {FLOOR: lambda: _loop(floor, scale)}
        for name, start in starts.items():
            work[name] = partial(_under_load, start, folder, expected, scale)
        wanted = [_key(part, what) for part in LOADS for what, _ in COLUMNS]
        wanted += [_key(STANDING, what) for what, _ in RESTING]
        cells = collected(work, wanted, scale.repeats)
    cells[_key(STANDING, "ready after")][ENDPOINT] = "runs already"
    rows = [
        Row(part, what, unit, cells[_key(part, what)] | lacking, less_is_better=what != "requests", ours=BARE)
        for part, columns in (*((part, COLUMNS) for part in LOADS), (STANDING, RESTING))
        for what, unit in columns
    ]
    _judge({_key(row.part, row.what): row for row in rows})
    return rows


def _install() -> dict[str, Cell]:
    """Install the environments. Returns the reason for each framework that could not be installed."""
    lacking: dict[str, Cell] = {}
    for framework in FRAMEWORKS:
        try:
            framework.peer.python()
        except PeerError as error:
            lacking[framework.title] = str(error)
    return lacking


def _key(part: str, what: str) -> str:
    return f"{part}, {what}"


def _loop(predictor: Predictor, scale: Scale) -> dict[str, float]:
    """Return the figures of one process that only decodes and classifies."""
    turn = itertools.cycle(IMAGES)
    times = timed(lambda: predictor(next(turn)), scale.calls(2000), scale.calls(200))
    figures = {_key(part, "requests"): 1e3 * len(times) / sum(times) for part in LOADS[: len(CLIENTS)]}
    return figures | {_key(LOADS[0], f"p{share}"): percentile(times, share) for share in (50, 95, 99)}


def _under_load(start: Start, folder: Path, expected: list[list[float]], scale: Scale) -> dict[str, float]:
    """Start a server, check its predictions, load it, and return all its figures."""
    begun, seconds = time.perf_counter(), scale.seconds(SECONDS)
    with start(Path(tempfile.mkdtemp(dir=folder))) as target:
        figures = {_key(STANDING, "ready after"): time.perf_counter() - begun}
        target.check(expected)
        for part, count in zip(LOADS, CLIENTS, strict=False):
            found = load.closed(target.port, target.requests(), count, seconds)
            figures |= {_key(part, what): value for what, value in found.items()}
        found = load.arrivals(target.port, target.requests(), RATE, seconds)
        figures |= {_key(LOADS[-1], what): value for what, value in found.items()}
        figures[_key(STANDING, "memory after the load")] = processes.resident(target.process)
    return figures


def _judge(rows: dict[str, Row]) -> None:
    most = rows[_key(LOADS[2], "requests")]
    most.want_times(BARE, 2, PEERS)
    most.want_share(BARE, 0.7, FLOOR)
    most.want_times(ENDPOINT, 1, PEERS)
    most.want_share(ENDPOINT, 0.7, BARE)
    rows[_key(LOADS[1], "p99")].want_times(BARE, 1, PEERS)
    rows[_key(LOADS[0], "p50")].want_added(ENDPOINT, 1, BARE)
    rows[_key(STANDING, "ready after")].want_at_most(BARE, 1)
    rows[_key(STANDING, "memory after the load")].want_at_most(BARE, 150 * WORKERS)
