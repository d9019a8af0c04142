"""The figures kept, printed, and written as docs/benchmarks.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import clouds, machine
from benchmarks.figures import Row, spread

HEAD = """# Benchmarks

This file is written by `make bench` (or `python -m benchmarks`; `--only` takes some parts anew, `--quick` looks without
writing). Everything runs on one machine, against loopback: each peer in an environment and a process of its own, driven
by the same client code, in turn with ours (A B C A B C …). A cell is the median of the repeats, its range in brackets.

A server shares the processors with the client that loads it, as on a developer's machine: absolute figures are this
machine's, ratios travel better.
"""


@dataclass
class Results:
    """The rows of each part, with when and how long they were taken, and on what."""

    machine: dict[str, str]
    versions: dict[str, str]
    parts: dict[str, dict[str, Any]]

    @classmethod
    def begin(cls, kept: Path) -> Results:
        """Describe this machine, and take up the parts measured before, where some are kept."""
        parts = json.loads(kept.read_text())["parts"] if kept.exists() else {}
        return cls(machine.describe(), machine.versions(), parts)

    def put(self, name: str, rows: list[Row], seconds: float) -> None:
        """Keep a part in place of what was measured of it before."""
        moment = time.strftime("%Y-%m-%d %H:%M")
        self.parts[name] = {"when": moment, "seconds": seconds, "rows": [row.as_json() for row in rows]}

    def write(self, path: Path) -> None:
        """Write everything to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.__dict__, indent=1) + "\n")

    def rows(self) -> list[Row]:
        """Return every row, a part's together."""
        return [Row.from_json(row) for part in self.parts.values() for row in part["rows"]]


def tables(rows: Iterable[Row]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return a title, a head and lines for each group of rows: what, unit, a column a subject, and the goals."""
    made = []
    for title, group in groupby(rows, key=lambda row: row.part):
        members = list(group)
        subjects = list(dict.fromkeys(name for row in members for name in row.cells))
        judged = any(row.verdicts for row in members)
        head = ["what", "unit", *subjects, *(["goal", "reached", ""] if judged else [])]
        made.append((title, head, [line for row in members for line in _lines(row, subjects, judged)]))
    return made


def _lines(row: Row, subjects: list[str], judged: bool) -> list[list[str]]:
    first = [row.what, row.unit, *(spread(row.cells.get(name)) for name in subjects)]
    if not judged:
        return [first]
    goals = [[verdict.goal, verdict.reached, "met" if verdict.met else "**missed**"] for verdict in row.verdicts]
    blank = [""] * len(first)
    return [[*(first if index == 0 else blank), *goal] for index, goal in enumerate(goals or [["", "", ""]])]


def show(results: Results, out: Console) -> None:
    """Print every table."""
    for title, head, lines in tables(results.rows()):
        table = Table(*head, title=title)
        for line in lines:
            table.add_row(*(cell.replace("**", "") for cell in line))
        out.print(table)


def write(results: Results, folder: Path) -> None:
    """Write benchmarks.md into a folder."""
    (folder / "benchmarks.md").write_text(document(results))


def document(results: Results) -> str:
    """Return the document."""
    verdicts = [verdict for row in results.rows() for verdict in row.verdicts]
    met = sum(verdict.met for verdict in verdicts)
    text = [HEAD, f"**{met} of {len(verdicts)} goals are met.**\n"]
    for title, head, lines in tables(results.rows()):
        text += [f"## {title}\n", _markdown(head, lines)]
    text += ["## Where and with what\n", _markdown(["machine", ""], [[*item] for item in results.machine.items()])]
    peers = {peer.name: peer.version for peer in (clouds.MINISTACK, clouds.MOTO)}
    text += [_markdown(["version", ""], [[*item] for item in (results.versions | peers).items()])]
    taken = [[name, part["when"], f"{part['seconds']:.0f} s"] for name, part in results.parts.items()]
    text += [_markdown(["part", "measured", "took"], taken)]
    return "\n".join(text)


def _markdown(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
