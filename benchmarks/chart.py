"""One chart of the model servers: requests per second, and latency with eight clients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.figures import Row

mpl.use("svg")
from matplotlib import pyplot as plt

OURS, PEERS, FLOOR = "#c2571a", "#8a97a6", "#d9d4c8"
PANELS = (
    ("Serving: 32 clients", "requests", "Requests per second, 32 clients (more is better)"),
    ("Serving: 8 clients", "p99", "p99 in ms, 8 clients (less is better)"),
    ("Serving: 1 client", "p50", "p50 in ms, 1 client (less is better)"),
)


def draw(rows: Sequence[Row], path: Path) -> bool:
    """Write the chart as SVG; False where there is nothing to draw."""
    found = {(row.part, row.what): row for row in rows}
    if any((part, what) not in found for part, what, _ in PANELS):
        return False
    names = list(found[PANELS[0][:2]].cells)
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):
        figure, panels = plt.subplots(1, len(PANELS), figsize=(12, 0.42 * len(names) + 1.1), sharey=True)
        for axes, (part, what, title) in zip(panels, PANELS, strict=True):
            _panel(axes, found[part, what], names, title)
        figure.tight_layout(w_pad=2)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return True


def _panel(axes: Any, row: Row, names: list[str], title: str) -> None:
    values = [row.median(name) for name in names]
    colours = [OURS if name.startswith("Scones") else FLOOR if name.startswith("floor") else PEERS for name in names]
    axes.barh(names, [value or 0 for value in values], color=colours, height=0.66)
    largest = max((value for value in values if value), default=1.0)
    for index, value in enumerate(values):
        text = "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
        axes.text((value or 0) + largest * 0.015, index, text, va="center", fontsize=8)
    axes.set_xlim(0, largest * 1.16)
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
