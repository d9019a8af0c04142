"""Figures as measured, stored and compared with goals: rows of a table with a cell for each subject."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

Values = list[float]
Cell = Values | str
"""One value per repeat, or the reason why there are none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The goal of a subject in a row, the figure reached, and the result of the comparison."""

    subject: str
    goal: str
    reached: str
    met: bool


@dataclass(slots=True)
class Row:
    """One measurement of every subject."""

    part: str
    what: str
    unit: str
    cells: dict[str, Cell]
    less_is_better: bool = True
    ours: str = "Scones"
    """The subject that is compared with the others."""
    bound: str = ""
    """A subject that is an upper bound, not a competitor."""
    verdicts: list[Verdict] = field(default_factory=list)

    def median(self, subject: str) -> float | None:
        """Return a subject's median over the repeats; None without figures."""
        cell = self.cells.get(subject)
        return statistics.median(cell) if cell and not isinstance(cell, str) else None

    def ratio(self, subject: str, other: str) -> float | None:
        """Return how many times better a subject is than another; None if either has no figure."""
        ours, theirs = self.median(subject), self.median(other)
        if not ours or not theirs:
            return None
        return theirs / ours if self.less_is_better else ours / theirs

    def rivals(self) -> list[str]:
        """Return the subjects with figures, except `ours` and `bound`."""
        return [name for name in self.cells if name not in (self.ours, self.bound) and self.median(name) is not None]

    def best(self, subjects: Iterable[str]) -> str | None:
        """Return the best of some subjects; None if none has a figure."""
        found = {name: value for name in subjects if (value := self.median(name)) is not None}
        choose = min if self.less_is_better else max
        return choose(found, key=found.__getitem__) if found else None

    def want_at_most(self, subject: str, limit: float) -> None:
        """Set the goal that a subject's figure does not exceed a limit."""
        value = self.median(subject)
        reached = "no figure" if value is None else f"{number(value)} {self.unit}"
        self.verdicts.append(
            Verdict(subject, f"≤ {number(limit)} {self.unit}", reached, value is not None and value <= limit)
        )

    def want_times(self, subject: str, factor: float, others: Sequence[str]) -> None:
        """Set the goal that a subject is `factor` times better than the best other; met if no other has figures."""
        best = self.best(others)
        name = others[0] if len(others) == 1 else "the best peer"
        goal = f"better than {name}" if factor == 1 else f"≥ {factor:g} times {name}"
        if best is None:
            self.verdicts.append(Verdict(subject, goal, "no other does it", self.median(subject) is not None))
            return
        ratio = self.ratio(subject, best)
        reached = "no figure" if ratio is None else f"{ratio:.2f} times {best}"
        self.verdicts.append(Verdict(subject, goal, reached, ratio is not None and ratio >= factor))

    def want_share(self, subject: str, share: float, of: str) -> None:
        """Set the goal that a subject reaches a share of another's figure."""
        ratio = self.ratio(subject, of)
        reached = "no figure" if ratio is None else f"{ratio:.0%}"
        self.verdicts.append(Verdict(subject, f"≥ {share:.0%} of {of}", reached, ratio is not None and ratio >= share))

    def want_added(self, subject: str, most: float, over: str) -> None:
        """Set the goal that a subject's figure exceeds another's by at most `most`."""
        ours, theirs = self.median(subject), self.median(over)
        added = None if ours is None or theirs is None else ours - theirs
        reached = "no figure" if added is None else f"{added:+.2f} {self.unit}"
        goal = f"≤ {over} + {number(most)} {self.unit}"
        self.verdicts.append(Verdict(subject, goal, reached, added is not None and added <= most))

    def as_json(self) -> dict[str, Any]:
        """Return the row in its JSON form."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Row:
        """Return a row from its JSON form."""
        return cls(**{**kept, "verdicts": [Verdict(**verdict) for verdict in kept["verdicts"]]})


@dataclass(frozen=True, slots=True)
class Scale:
    """The extent of a measurement: number of repeats, and share of the usual number of calls."""

    repeats: int = 3
    share: float = 1.0

    def calls(self, usual: int) -> int:
        """Return the number of calls to make, at least five."""
        return max(5, round(usual * self.share))

    def seconds(self, usual: float) -> float:
        """Return the duration of a measurement in seconds, at least 0.5."""
        return max(0.5, usual * self.share)


def interleaved(work: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, Cell]:
    """Return each subject's values, measured alternately; see `collected`."""
    single = {name: (lambda measure=measure: {"value": measure()}) for name, measure in work.items()}
    return collected(single, ["value"], repeats)["value"]


def collected(
    work: Mapping[str, Callable[[], Mapping[str, float]]], names: Iterable[str], repeats: int
) -> dict[str, dict[str, Cell]]:
    """Return each figure's values by subject, measured alternately (A B C A B C …), so that drift affects all equally.

    A subject that fails has no figures; its first cell gives the reason.
    """
    cells: dict[str, dict[str, Cell]] = {name: {subject: [] for subject in work} for name in names}
    failed: dict[str, str] = {}
    for _ in range(repeats):
        for subject, measure in work.items():
            if subject in failed:
                continue
            try:
                for name, value in measure().items():
                    cell = cells[name][subject]
                    assert not isinstance(cell, str)
                    cell.append(value)
            except Exception as error:  # a subject's failure is its result and must not end the benchmark
                failed[subject] = f"failed: {type(error).__name__}: {error}"[:200].replace("\n", " ")
    for index, found in enumerate(cells.values()):
        found |= {subject: "failed" if index else reason for subject, reason in failed.items()}
    return cells


def timed(work: Callable[[], Any], count: int, warm_up: int) -> Values:
    """Return the milliseconds of each of `count` calls, after `warm_up` calls that are not counted."""
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1e3)
    return times


def percentile(times: Sequence[float], share: int) -> float:
    """Return the value that `share` per cent of the times do not exceed."""
    return float(np.percentile(times, share))


def number(value: float) -> str:
    """Format a figure with three significant digits, and no more than it needs."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(cell: Cell | None) -> str:
    """Format a cell: its median, and its range if its values differ; or the reason why it is empty."""
    if not cell:
        return "-"
    if isinstance(cell, str):
        return cell
    middle = number(statistics.median(cell))
    return middle if min(cell) == max(cell) else f"{middle} ({number(min(cell))} … {number(max(cell))})"
