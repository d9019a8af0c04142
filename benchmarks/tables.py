"""Rows as tables: for the terminal and for the document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from benchmarks.figures import Row, number, spread

WIDEST = 5
"""Maximum number of subjects shown as columns; more are shown as lines."""


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the heads of its columns, and its lines."""

    title: str
    head: list[str]
    lines: list[list[str]]

    def markdown(self) -> str:
        """Return the table as Markdown, with its title as a heading."""
        lines = [self.head, ["---"] * len(self.head), *self.lines]
        heading = f"## {self.title}\n\n" if self.title else ""
        return heading + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tables(rows: Iterable[Row]) -> list[Table]:
    """Return a table of figures for each part."""
    return [_figures(title, list(group)) for title, group in groupby(rows, key=lambda row: row.part)]


def goals(rows: Iterable[Row]) -> Table:
    """Return every goal in one table, met or missed."""
    lines = [
        [row.part, row.what, verdict.subject, verdict.goal, verdict.reached, "met" if verdict.met else "**missed**"]
        for row in rows
        for verdict in row.verdicts
    ]
    return Table("Goals", ["part", "what", "of", "goal", "reached", ""], lines)


def _figures(title: str, rows: list[Row]) -> Table:
    """Return figures with a column for each subject, or with a line for each if there are many."""
    subjects = list(dict.fromkeys(name for row in rows for name, cell in row.cells.items() if cell))
    if len(subjects) > WIDEST:
        ours, first = rows[0].ours, rows[0]
        heads = [f"{row.what}, {row.unit}" if row.unit else row.what for row in rows]
        lines = [
            [name, *(spread(row.cells.get(name)) for row in rows), _times(first.ratio(ours, name))] for name in subjects
        ]
        return Table(title, ["", *heads, f"{ours}, {first.what}: times better"], lines)
    compared = any(row.rivals() for row in rows)
    head = ["", "unit", *subjects, *(["times better than the best other"] if compared else [])]
    return Table(title, head, [_line(row, subjects, compared=compared) for row in rows])


def _line(row: Row, subjects: list[str], *, compared: bool) -> list[str]:
    line = [row.what, row.unit, *(spread(row.cells.get(name)) for name in subjects)]
    if compared:
        best = row.best(row.rivals())
        line.append(_times(row.ratio(row.ours, best)) if best else "-")
    return line


def _times(ratio: float | None) -> str:
    return "-" if ratio is None or ratio < 0 else number(ratio)
