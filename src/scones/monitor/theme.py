"""The charts' look, light and dark, in colours that colour-blind readers can distinguish (Okabe and Ito, 2008)."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Matplotlib takes long to load, and only reports need it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 160
MARGIN = 0.576
"""Inches between the left edge of a chart and its title."""


@dataclass(frozen=True)
class Theme:
    """Colours by meaning: passed, gated, failed, and the background. `width` is that of every chart, in inches."""

    name: str
    background: str
    text: str
    muted: str
    line: str
    box: str
    passed: str
    gated: str
    failed: str
    width: float = 9.6

    @property
    def narrow(self) -> bool:
        """True for charts on a phone: long titles have several lines, and panels are below each other."""
        return self.width < 7

    @property
    def header(self) -> float:
        """Height of the title and subtitle, in inches."""
        return 1.85 if self.narrow else 0.95


LIGHT = Theme("light", "#ffffff", "#1d2530", "#5d6875", "#d9dee4", "#f3f6f9", "#0072b2", "#d98200", "#b3261e")
DARK = Theme("dark", "#171c23", "#e8ecf1", "#9aa6b4", "#38424e", "#212932", "#56b4e9", "#f0a830", "#ff7b72")
PHONE_WIDTH = 4.8
"""Width of a chart on a phone, in inches."""


def new_figure(theme: Theme, height: float, title: str, subtitle: str = "") -> Figure:
    """Return an empty figure whose title states the chart's result. Matplotlib is imported here, on first use.

    `height` is that of a wide figure, in inches; a narrow one is higher, because its header is.
    """
    from matplotlib.figure import Figure

    if theme.narrow:
        height += theme.header - replace(theme, width=Theme.width).header
        title, subtitle = textwrap.fill(title, 36), textwrap.fill(subtitle, 52)
    figure = Figure(figsize=(theme.width, height), dpi=DOTS_PER_INCH, facecolor=theme.background)
    left = (0.3 if theme.narrow else MARGIN) / theme.width
    lines = title.count("\n")
    top = 0.42 if theme.narrow else 0.23
    figure.text(
        left, 1 - top / height, escape_mathtext(title), fontsize=14, fontweight="bold", color=theme.text, va="top"
    )
    below = top + 0.34 + 0.235 * lines
    figure.text(left, 1 - below / height, escape_mathtext(subtitle), fontsize=10, color=theme.muted, va="top")
    return figure


def new_axes(figure: Figure, theme: Theme, left: float = MARGIN, right: float = 0.288, bottom: float = 0.6) -> Axes:
    """Return axes below the title; `left`, `right` and `bottom` are the widths of the margins in inches."""
    width, height = theme.width, figure.get_figheight()
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - theme.header) / height)
    )
    style_axes(axes, theme)
    return axes


def style_axes(axes: Axes, theme: Theme) -> None:
    """Remove decoration: no frame, muted ticks, a faint grid behind the data."""
    axes.set_facecolor(theme.background)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.muted, labelsize=9.5, length=0, pad=5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.grid(visible=True, axis="y", color=theme.line, linewidth=0.8)
    axes.xaxis.label.set(color=theme.muted, size=10)
    axes.yaxis.label.set(color=theme.muted, size=10)


def note(figure: Figure, theme: Theme, text: str) -> None:
    """Write one sentence into a chart that has no data."""
    figure.text(0.5, 0.42, text, fontsize=11, color=theme.muted, ha="center", va="center")


def stamp(figure: Figure, theme: Theme, text: str) -> None:
    """Mark a figure at its upper right, so that copies of the figure keep the mark."""
    below = 0.2 if theme.narrow else 0.34
    mark = figure.text(0.965, 1 - below / figure.get_figheight(), text, ha="right", va="center", color=theme.gated)
    mark.set(fontsize=9.5, fontweight="bold")
    mark.set_bbox({"boxstyle": "round,pad=0.35", "facecolor": theme.background, "edgecolor": theme.gated})


def escape_mathtext(text: str) -> str:
    """Escape the character that matplotlib reads as mathematics; names that users choose may contain it."""
    return text.replace("$", r"\$")


def shorten(text: str, length: int) -> str:
    """Truncate a long name, with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def percent(share: float) -> str:
    """Format a share as a percentage that is 100 % only for all and 0 % only for none, with a decimal if necessary."""
    rounded = round(100 * share)
    if (rounded == 100 and share < 1) or (rounded == 0 and share > 0):
        return f"{min(max(100 * share, 0.1), 99.9):.1f}\u00a0%"
    return f"{rounded}\u00a0%"


def confidence(value: float, threshold: float) -> str:
    """Format a confidence with three decimals, or with more if three do not show whether it reaches the threshold."""
    texts = (f"{value:.{digits}f}" for digits in range(3, 17))
    return next((text for text in texts if (float(text) >= threshold) == (value >= threshold)), str(value))


def format_count(count: int, noun: str) -> str:
    """Format a count with its noun: 1 image, 1,200 images."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
