"""Latency of a cheap call by one client during an attack by another: the 99th percentile, by attack."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil

from benchmarks import attacks, clouds
from benchmarks.clouds import OURS, Cloud
from benchmarks.figures import Row, Scale
from benchmarks.prober import Prober, probing

PART = "Availability"
WANTED = 250.0
"""Goal in milliseconds for the 99th percentile of another client's calls during an attack."""


def measure(scale: Scale, folder: Path) -> list[Row]:
    """Return a row for each attack. A cloud that hangs is killed, and the next attack gets a new one."""
    rows, names, numbers = [], [], 0
    while not names or len(rows) < len(names):
        numbers += 1
        with clouds.scones(folder / str(numbers)) as cloud:
            sent = attacks.attacks(cloud)
            names = list(sent)
            for name in names[len(rows) :]:
                prober = _under(cloud, sent[name], scale.seconds(8))
                rows.append(_row(name, prober))
                if max(prober.latencies[-10:]) > 10:  # the cloud hangs
                    _kill(cloud.process)
                    break
    return rows


def _under(cloud: Cloud, attack: attacks.Attack, seconds: float) -> Prober:
    """Return another client's latencies during an attack, which is repeated and sent at least once."""
    over, sent = threading.Event(), threading.Event()

    def repeat() -> None:
        while not over.is_set():
            attack()
            sent.set()

    attacker = threading.Thread(target=repeat, daemon=True)
    with probing(cloud.url, cloud.environment()) as prober:
        attacker.start()
        time.sleep(seconds)
        sent.wait(attacks.ANSWER_SECONDS)
        over.set()
    attacker.join(attacks.ANSWER_SECONDS)
    return prober


def _row(name: str, prober: Prober) -> Row:
    p99 = prober.percentile(99) * 1e3
    row = Row(PART, f"during {name}: p99 of another client's call", "ms", {OURS: [p99]})
    row.want_at_most(OURS, WANTED)
    return row


def _kill(process: psutil.Process) -> None:
    for member in [process, *process.children(recursive=True)]:
        member.kill()
