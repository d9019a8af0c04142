"""The charts: model servers as bars with ranges as lines, and listings by number of stored records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.figures import Row, number

mpl.use("svg")
from matplotlib import pyplot as plt

OURS, PEERS, FLOOR = "#c2571a", "#8a97a6", "#d9d4c8"
PANELS = (
    ("Serving: 32 clients", "requests", "Requests per second with 32 clients\n(more is better)"),
    ("Serving: 8 clients", "p99", "p99 with 8 clients, in ms\n(less is better)"),
    ("Serving: 1 client", "p50", "p50 with 1 client, in ms\n(less is better)"),
)


def draw(rows: Sequence[Row], path: Path) -> bool:
    """Write the chart as SVG. Returns False if there is no data."""
    found = {(row.part, row.what): row for row in rows}
    if any((part, what) not in found for part, what, _ in PANELS):
        return False
    lines = len(found[PANELS[0][:2]].cells)
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "benchmarks"}):
        figure, panels = plt.subplots(1, len(PANELS), figsize=(12, 0.42 * lines + 1.1), sharey=True)
        for axes, (part, what, title) in zip(panels, PANELS, strict=True):
            _panel(axes, found[part, what], title)
        figure.tight_layout(w_pad=2)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return True


def _panel(axes: Any, row: Row, title: str) -> None:
    largest = max(value for cell in row.cells.values() if not isinstance(cell, str) for value in cell or [0.0])
    for name, cell in row.cells.items():
        values = [] if isinstance(cell, str) else cell
        middle, end = row.median(name), max(values, default=0.0)
        axes.barh(name, middle or 0.0, color=_colour(name), height=0.66)
        axes.plot([min(values, default=0.0), end], [name, name], color="#333333", linewidth=1)
        axes.text(end + largest * 0.015, name, "-" if middle is None else number(middle), va="center", fontsize=8)
    axes.set_xlim(0, largest * 1.16)
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()


def draw_growth(rows: Sequence[Row], path: Path) -> bool:
    """Write the curves of the listings as SVG, one panel for each. Returns False if there is no data."""
    panels: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for row in rows:
        what, _, kept = row.what.partition(", among ")
        size = int(kept.split()[0].replace(",", ""))
        for name in row.cells:
            if (value := row.median(name)) is not None:
                panels.setdefault(what, {}).setdefault(name, []).append((size, value))
    if not panels:
        return False
    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "benchmarks"}):
        figure, axes = plt.subplots(2, (len(panels) + 1) // 2, figsize=(12, 5), sharex=True, squeeze=False)
        for each, (what, curves) in zip(axes.flat, panels.items(), strict=False):
            for name, points in curves.items():
                each.plot(*zip(*points, strict=True), marker="o", markersize=3, color=_colour(name), label=name)
                each.annotate(name, points[-1], xytext=(3, 3), textcoords="offset points", fontsize=7)
            each.set_xscale("log")
            each.set_yscale("log")
            each.set_title(f"{what}, in ms", fontsize=8.5, loc="left")
            each.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return True


def _colour(name: str) -> str:
    return OURS if name.startswith("Scones") else FLOOR if name.startswith("floor") else PEERS
