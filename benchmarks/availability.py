"""How long another client waits while one client attacks: the 99th percentile of a cheap call, by attack."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil

from benchmarks import attacks, clouds
from benchmarks.clouds import OURS, Cloud
from benchmarks.figures import Row, Scale, Values, percentile
from benchmarks.prober import probing

PART = "Availability"
WANTED = 250.0
"""Milliseconds that the 99th percentile of another client's calls may take during an attack."""


def measure(scale: Scale, folder: Path) -> list[Row]:
    """Return a row for each attack; a cloud that an attack has stopped is killed, and the next gets a new one."""
    rows, names, numbers = [], [], 0
    while not names or len(rows) < len(names):
        numbers += 1
        with clouds.scones(folder / str(numbers)) as cloud:
            sent = attacks.attacks(cloud)
            names = list(sent)
            for name in names[len(rows) :]:
                latencies = _under(cloud, sent[name], scale.seconds(8))
                rows.append(_row(name, latencies))
                if max(latencies[-10:]) > 10_000:  # it hangs
                    _kill(cloud.process)
                    break
    return rows


def _under(cloud: Cloud, attack: attacks.Attack, seconds: float) -> Values:
    """Return another client's latencies in milliseconds while an attack is sent again and again, at least once."""
    over, sent = threading.Event(), threading.Event()

    def repeat() -> None:
        while not over.is_set():
            attack()
            sent.set()

    attacker = threading.Thread(target=repeat, daemon=True)
    with probing(cloud.url, cloud.access_key, cloud.secret_key, cloud.region) as latencies:
        attacker.start()
        time.sleep(seconds)
        sent.wait(attacks.ANSWER_SECONDS)
        over.set()
    attacker.join(attacks.ANSWER_SECONDS)
    return latencies


def _row(name: str, latencies: Values) -> Row:
    row = Row(PART, f"during {name}: p99 of another client's call", "ms", {OURS: [percentile(latencies, 99)]})
    row.want_at_most(OURS, WANTED)
    return row


def _kill(process: psutil.Process) -> None:
    for member in [process, *process.children(recursive=True)]:
        member.kill()
