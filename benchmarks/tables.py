"""Rows as tables: for the terminal and for the document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from benchmarks.figures import Row, spread

WIDEST = 4
"""Subjects that a table has columns for; of more, each is a line."""


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the heads of its columns, and its lines."""

    title: str
    head: list[str]
    lines: list[list[str]]

    def markdown(self) -> str:
        """Return the table as Markdown, its title a heading."""
        lines = [self.head, ["---"] * len(self.head), *self.lines]
        heading = f"## {self.title}\n\n" if self.title else ""
        return heading + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tables(rows: Iterable[Row]) -> list[Table]:
    """Return a table for each part's rows, and one for their goals."""
    made = []
    for title, group in groupby(rows, key=lambda row: row.part):
        members = list(group)
        made.append(_figures(title, members))
        if lines := [line for row in members for line in _goals(row)]:
            made.append(Table("", ["goal", "of", "wanted", "reached", ""], lines))
    return made


def _figures(title: str, rows: list[Row]) -> Table:
    subjects = list(dict.fromkeys(name for row in rows for name in row.cells))
    if len(subjects) <= WIDEST:
        lines = [[row.what, row.unit, *(spread(row.cells.get(name)) for name in subjects)] for row in rows]
        return Table(title, ["", "unit", *subjects], lines)
    heads = [f"{row.what}, {row.unit}" if row.unit else row.what for row in rows]
    return Table(title, ["", *heads], [[name, *(spread(row.cells.get(name)) for row in rows)] for name in subjects])


def _goals(row: Row) -> list[list[str]]:
    return [
        [row.what, verdict.subject, verdict.goal, verdict.reached, "met" if verdict.met else "**missed**"]
        for verdict in row.verdicts
    ]
