"""Charts: figures whose titles state their findings. They work for zero, one, and many thousands of records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from scones.monitor.statistics import Floats, Statistics
from scones.monitor.theme import (
    LIGHT,
    MARGIN,
    Theme,
    confidence,
    escape_mathtext,
    format_count,
    new_axes,
    new_figure,
    note,
    percent,
    shorten,
    style_axes,
)

if TYPE_CHECKING:  # Matplotlib takes long to load, and only reports need it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_BARS = 20
MAX_PANELS = 6
NO_SCORES = "No capture record has scores yet."


def confidence_over_time(statistics: Statistics, theme: Theme = LIGHT) -> Figure:
    """Draw each prediction's confidence over time, with the gate's threshold as a line."""
    threshold = f"{statistics.threshold:g}"
    title = f"{statistics.gated:,} of {format_count(statistics.total, 'image')} were below the threshold of {threshold}"
    if not statistics.total:
        title = "No image has reached the gate yet"
    elif not statistics.gated:
        title = f"All images passed the gate at {threshold}"
    figure = new_figure(theme, 4.4, title, "Confidence (highest score) of each prediction over time")
    if not statistics.total:
        note(figure, theme, NO_SCORES)
        return figure
    axes = new_axes(figure, theme, right=1.536, bottom=0.8 if theme.narrow else 0.6)
    times = _dates(_spread(statistics.times))
    size, alpha = _density(statistics.total)
    for passing, colour, marker in ((True, theme.passed, "o"), (False, theme.gated, "D")):
        chosen = statistics.passed_mask == passing
        axes.scatter(
            times[chosen],
            statistics.confidences[chosen],
            s=size,
            alpha=alpha,
            color=colour,
            marker=marker,
            linewidths=0,
        )
    _gate_line(axes, statistics.threshold, theme, horizontal=True)
    low = float(statistics.bin_edges[0])
    axes.set_ylim(low - 0.02 * (1 - low), 1 + 0.03 * (1 - low))
    _time_axis(axes, statistics.times, theme)
    gate, room = max(statistics.threshold, low), 0.07 * (1 - low)
    _side_label(axes, gate, f"gate {threshold}", theme.text)
    _side_label(axes, max((1 + gate) / 2, gate + room), f"{statistics.passed:,} passed", theme.passed)
    _side_label(axes, min((low + gate) / 2, gate - room), f"{statistics.gated:,} stopped", theme.gated)
    return figure


def confidence_histograms(statistics: Statistics, theme: Theme = LIGHT) -> Figure:
    """Draw a histogram of confidence for each predicted class, the most frequent first."""
    order = [int(index) for index in np.argsort(-statistics.counts, kind="stable") if statistics.counts[index]]
    groups = [[index] for index in order]
    if len(order) > MAX_PANELS:
        groups = [*groups[: MAX_PANELS - 1], order[MAX_PANELS - 1 :]]
    columns = 1 if theme.narrow else min(max(len(groups), 1), 2 if len(groups) in (2, 4) else 3)
    rows = max(-(-len(groups) // columns), 1)
    subtitle = "Images by confidence, for each predicted class; the dashed line is the threshold"
    figure = new_figure(theme, 1.6 + 2.3 * rows, _histogram_title(statistics), subtitle)
    if not groups:
        note(figure, theme, NO_SCORES)
        return figure
    height = figure.get_figheight()
    grid = figure.add_gridspec(
        rows,
        columns,
        left=MARGIN / theme.width,
        right=1 - 0.288 / theme.width,
        bottom=0.62 / height,
        top=1 - (theme.header + 0.35) / height,
        wspace=0.16,
        hspace=0.5,
    )
    # A common scale would make single classes tiny next to the combined other classes.
    panels = grid.subplots(sharex=True, sharey=len(groups) == len(order), squeeze=False).flatten()
    for panel, group in zip(panels, groups, strict=False):
        _histogram_panel(panel, statistics, group, theme)
    for panel in panels[len(groups) :]:
        panel.set_visible(False)
    figure.text(0.515, 0.2 / height, "Confidence", color=theme.muted, fontsize=10, ha="center", va="center")
    return figure


def predictions_per_class(statistics: Statistics, theme: Theme = LIGHT) -> Figure:
    """Draw the number of images per predicted class, split into passed and gated."""
    order = [int(index) for index in np.argsort(-statistics.counts, kind="stable")]
    shown, others = order[:MAX_BARS], order[MAX_BARS:]
    subtitle = "Images by predicted class: passed the gate, and stopped by it"
    if others:
        subtitle += f"; the other {len(others)} classes have {statistics.counts[others].sum():,}"
    title = "No predictions"
    if statistics.total:
        first = order[0]
        share = percent(statistics.counts[first] / statistics.total)
        title = f"{share} of the images were classified as {shorten(statistics.classes[first], 30)}"
    figure = new_figure(theme, 1.55 + 0.42 * max(len(shown), 2), title, subtitle)
    if not statistics.total:
        note(figure, theme, NO_SCORES)
        return figure
    names = [shorten(statistics.classes[index], 16 if theme.narrow else 30) for index in shown]
    left = (0.4 if theme.narrow else 0.768) + 0.0816 * max(len(name) for name in names)
    axes = new_axes(figure, theme, left=left, right=0.9 if theme.narrow else 1.344, bottom=0.3)
    axes.grid(visible=False)
    rows = np.arange(len(shown))
    totals, passed = statistics.counts[shown], statistics.passed_counts[shown]
    axes.barh(rows, passed, height=0.66, color=theme.passed)
    axes.barh(rows, totals - passed, left=passed, height=0.66, color=theme.gated)
    axes.set_yticks(rows, [escape_mathtext(name) for name in names])
    axes.tick_params(axis="y", labelcolor=theme.text, labelsize=10.5)
    axes.set_xticks([])
    axes.set_xlim(0, totals.max())
    axes.set_ylim(len(shown) - 0.5, -0.5)
    for row, (total, passing) in enumerate(zip(totals, passed, strict=True)):
        axes.text(total, row, f"  {total:,}", color=theme.text, va="center", fontsize=10.5, fontweight="bold")
        _bar_label(axes, theme, f"{passing:,} passed", row=row, start=0, length=passing, full=totals.max())
        stopped = total - passing
        _bar_label(axes, theme, f"{stopped:,} stopped", row=row, start=passing, length=stopped, full=totals.max())
    return figure


def gate_pass_rate(statistics: Statistics, theme: Theme = LIGHT) -> Figure:
    """Draw the gate's pass rate over time, or as one bar if all records fall into one time slice."""
    rate = statistics.pass_rate
    if rate is None:
        figure = new_figure(theme, 2.6, "No image has reached the gate yet", "Share of images that pass the gate")
        note(figure, theme, NO_SCORES)
        return figure
    title = f"{percent(rate)} of the images passed the gate at {statistics.threshold:g}"
    if len(statistics.pass_rates.starts) < 3:
        return _pass_rate_bar(statistics, title, theme)
    slices = statistics.pass_rates
    low, high = percent(float(slices.rates.min())), percent(float(slices.rates.max()))
    subtitle = f"Pass rate per {_duration(slices.step)}, from {low} to {high}; larger dots stand for more images"
    figure = new_figure(theme, 3.8, title, subtitle)
    axes = new_axes(figure, theme, left=0.672, right=1.152, bottom=0.8 if theme.narrow else 0.6)
    times = _dates(slices.starts + slices.step / 2)
    axes.plot(times, slices.rates, color=theme.passed, linewidth=1.4, alpha=0.5)
    axes.scatter(times, slices.rates, s=18 + 70 * slices.totals / slices.totals.max(), color=theme.passed, linewidths=0)
    axes.axhline(rate, color=theme.text, linewidth=1, linestyle=(0, (1, 2)))
    _side_label(axes, rate, f"{percent(rate)}\noverall", theme.text)
    axes.set_ylim(-0.04, 1.06)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    _time_axis(axes, statistics.times, theme)
    return figure


def least_confident_images(statistics: Statistics, count: int = 24, theme: Theme = LIGHT) -> Figure:
    """Draw the least confident images, each with its predicted class and confidence."""
    from scones.monitor.images import decode_image

    chosen = statistics.least_confident(count)
    columns = 8
    rows = max(-(-len(chosen) // columns), 1)
    subtitle = "Least confident first, with predicted class and score"
    title = f"The {len(chosen)} least confident images" if len(chosen) > 1 else "The least confident image"
    figure = new_figure(theme, 1.2 + 1.62 * rows, title if chosen else "No images to show", subtitle)
    if not chosen:
        note(figure, theme, NO_SCORES)
        return figure
    height = figure.get_figheight()
    for cell, index in enumerate(chosen):
        row, column = divmod(cell, columns)
        left, top = 0.06 + 0.114 * column, height - 1.0 - 1.62 * row
        axes = figure.add_axes((left, (top - 1.0) / height, 1.0 / theme.width, 1.0 / height))
        axes.set_axis_off()
        image = decode_image(statistics.scored[index].image)
        if image is None:
            axes.text(0.5, 0.5, "no image", color=theme.muted, ha="center", va="center", fontsize=8.5)
        else:
            axes.imshow(np.asarray(image), interpolation="lanczos")
        name = shorten(statistics.classes[statistics.predicted[index]], 15)
        colour = theme.passed if statistics.passed_mask[index] else theme.gated
        score = confidence(statistics.confidences[index], statistics.threshold)
        figure.text(left, (top - 1.15) / height, escape_mathtext(name), color=theme.text, fontsize=8.5, va="center")
        figure.text(left, (top - 1.32) / height, score, color=colour, fontsize=9, fontweight="bold", va="center")
    return figure


def png(figure: Figure) -> bytes:
    """Render a figure with matplotlib's Agg renderer."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": "Scones"})
    return buffer.getvalue()


def _histogram_title(statistics: Statistics) -> str:
    if not statistics.total:
        return "No predictions"
    if statistics.total == 1:
        return f"The only prediction has a confidence of {confidence(statistics.confidences[0], statistics.threshold)}"
    return f"Half of the predictions have a confidence of at least {statistics.quantiles[0.5]:.3f}"


def _histogram_panel(axes: Axes, statistics: Statistics, group: Sequence[int], theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    style_axes(axes, theme)
    edges = statistics.bin_edges
    totals = statistics.histogram[list(group)].sum(axis=0)
    passed = statistics.passed_histogram[list(group)].sum(axis=0)
    width = np.diff(edges) * 0.9
    axes.bar(edges[:-1], passed, width, align="edge", color=theme.passed)
    axes.bar(edges[:-1], totals - passed, width, bottom=passed, align="edge", color=theme.gated)
    _gate_line(axes, statistics.threshold, theme, horizontal=False)
    axes.set_xlim(edges[0], 1)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    name = shorten(_group_name(statistics, group), 24)
    axes.set_title(escape_mathtext(name), color=theme.text, fontsize=11, loc="left", fontweight="bold", pad=8)
    axes.set_title(format_count(int(totals.sum()), "image"), color=theme.muted, fontsize=9.5, loc="right", pad=8)


def _pass_rate_bar(statistics: Statistics, title: str, theme: Theme) -> Figure:
    figure = new_figure(theme, 2.1, title, "Share of all captured predictions")
    axes = new_axes(figure, theme, bottom=0.35)
    axes.set_axis_off()
    axes.barh([0], [statistics.passed], color=theme.passed)
    axes.barh([0], [statistics.gated], left=[statistics.passed], color=theme.gated)
    axes.set_xlim(0, statistics.total)
    full = statistics.total
    passed, stopped = f"{statistics.passed:,} passed", f"{statistics.gated:,} stopped"
    _bar_label(axes, theme, passed, row=0, start=0, length=statistics.passed, full=full)
    _bar_label(axes, theme, stopped, row=0, start=statistics.passed, length=statistics.gated, full=full)
    return figure


def _group_name(statistics: Statistics, group: Sequence[int]) -> str:
    return shorten(statistics.classes[group[0]], 30) if len(group) == 1 else f"{len(group)} other classes"


def _bar_label(axes: Axes, theme: Theme, text: str, *, row: float, start: float, length: float, full: float) -> None:
    """Write a label inside a bar, if it fits; `full` is the length of the whole axis."""
    width = axes.get_position().width * theme.width  # in inches
    if length > full * 0.12 / width * len(text):
        axes.text(start + full * 0.012, row, text, color=theme.background, va="center", fontsize=10, fontweight="bold")


def _gate_line(axes: Axes, threshold: float, theme: Theme, *, horizontal: bool) -> None:
    draw = axes.axhline if horizontal else axes.axvline
    draw(threshold, color=theme.text, linewidth=1.2, linestyle=(0, (4, 3)))


def _side_label(axes: Axes, value: float, text: str, colour: str) -> None:
    """Label a height at the right edge, in the colour of the data it names."""
    axes.annotate(
        text,
        (1, value),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        color=colour,
        fontsize=10,
        va="center",
        fontweight="bold",
    )


def _spread(times: Floats) -> Floats:
    """Spread the records of one second evenly over it: captures have whole seconds, so points would overlap."""
    _, where, totals = np.unique(times, return_inverse=True, return_counts=True)
    first = np.concatenate(([0], np.cumsum(totals)[:-1]))
    return np.asarray(times + (np.arange(len(times)) - first[where] + 0.5) / totals[where])


def _density(total: int) -> tuple[float, float]:
    """Return the points' area and opacity, both smaller for more points."""
    return float(np.clip(12000 / max(total, 1), 4, 26)), float(np.clip(2500 / max(total, 1), 0.3, 0.85))


def _dates(times: Floats) -> Floats:
    from matplotlib.dates import date2num

    return np.asarray(date2num([datetime.fromtimestamp(moment, UTC) for moment in times]))  # type: ignore[no-untyped-call]


def _time_axis(axes: Axes, times: Floats, theme: Theme) -> None:
    """Label the axis in UTC. For records of a single moment, the axis spans one minute around it."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    first, last = float(times[0]), float(times[-1]) + 1
    span = last - first
    room = max(span * 0.02, 0.2 if span > 2 else 30)
    axes.set_xlim(*_dates(np.array([first - room, last + room])))
    most = 4 if theme.narrow else 8
    axes.xaxis.set_major_locator(AutoDateLocator(tz=UTC, minticks=most // 2, maxticks=most))  # type: ignore[no-untyped-call]
    form = "%H:%M:%S" if span < 600 else "%H:%M" if span < 86400 else "%-d %b %H:%M" if span < 3 * 86400 else "%-d %b"
    form = form.replace("%b %H", "%b\n%H") if theme.narrow else form
    axes.xaxis.set_major_formatter(DateFormatter(form, tz=UTC))  # type: ignore[no-untyped-call]
    begin, end = (datetime.fromtimestamp(moment, UTC) for moment in (first, float(times[-1])))
    day = f"{begin:%-d %B %Y}" if begin.date() == end.date() else f"{begin:%-d %B %Y} to {end:%-d %B %Y}"
    axes.set_xlabel(f"Time (UTC), {day}", labelpad=8, color=theme.muted)


def _duration(seconds: int) -> str:
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % length == 0:
            count = seconds // length
            return unit if count == 1 else f"{count} {unit}s"
    raise AssertionError(seconds)
