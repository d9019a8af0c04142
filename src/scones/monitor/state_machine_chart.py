"""The state machine, drawn from top to bottom with the number of executions on each path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypedDict

from scones.monitor.theme import LIGHT, Theme, escape_mathtext, format_count, new_figure, note, percent, shorten

if TYPE_CHECKING:  # Matplotlib takes long to load, and only reports need it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNKNOWN_STATE = ""
"""State name under which errors of the execution itself are counted, such as its timeout."""

GATE_ERROR = "ThresholdConfidenceNotMet"

WIDE, NARROW = (2.6, 1.55, 5.9), (1.05, 0.9, 2.3)
"""Inches: centre of the states' boxes, half their width, and left edge of the errors' boxes."""


class State(TypedDict, total=False):
    """The members of a state, or of a rule of a Choice, that name the next state."""

    Next: str
    Default: str
    Choices: list[State]


class StateMachineDefinition(TypedDict, total=False):
    """The members of a definition in the Amazon States Language from which the diagram is drawn."""

    StartAt: str
    States: dict[str, State]


def main_path(definition: StateMachineDefinition) -> list[str]:
    """Return the states' names from StartAt along Next; a Choice leads to its Default, or else to its first Next."""
    states = definition.get("States", {})
    path: list[str] = []
    name = definition.get("StartAt", "")
    while name in states and name not in path:
        path.append(name)
        state = states[name]
        choices: list[State] = state.get("Choices") or [{}]
        name = state.get("Next") or state.get("Default") or choices[0].get("Next", "")
    return path


def state_machine(
    definition: StateMachineDefinition,
    started: int,
    succeeded: int,
    errors: Mapping[str, Mapping[str, int]],
    gate_error: str = GATE_ERROR,
    theme: Theme = LIGHT,
) -> Figure:
    """Draw the states; `errors` counts the unsuccessful executions, by state (or UNKNOWN_STATE) and error name."""
    path = main_path(definition)
    rows = [(name, _sorted(errors.get(name, {}))) for name in path]
    elsewhere = Counter[str]()  # states outside the main path may fail with the same error
    for name, found in errors.items():
        if name not in path:
            elsewhere.update(found)
    unknown = started - succeeded - sum(count for found in errors.values() for count in found.values())
    if unknown > 0:
        elsewhere["did not end"] += unknown
    if elsewhere:
        rows.append((UNKNOWN_STATE, _sorted(elsewhere)))
    heights = [max(1.15, 0.5 * len(exits) + 0.65) for _, exits in rows]
    height = 2.5 + sum(heights)
    share = f", {percent(succeeded / started)}," if started else ""
    title = (
        f"{succeeded:,} of {format_count(started, 'execution')}{share} succeeded"
        if started
        else "No executions were started"
    )
    subtitle = "Executions by path through the state machine; on the right, where and why they ended early"
    figure = new_figure(theme, height, title, subtitle)
    if not path:
        note(figure, theme, "No state machine to draw")
        return figure
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, theme.width), ylim=(0, figure.get_figheight()))
    axes.set_axis_off()
    _Diagram(axes, theme, gate_error, max(started, 1)).draw(
        rows, heights, figure.get_figheight() - theme.header - 0.2, started
    )
    return figure


class _Diagram:
    """Boxes and arrows on axes in inches; an arrow's thickness shows its share of the executions."""

    def __init__(self, axes: Axes, theme: Theme, gate_error: str, started: int) -> None:
        self.axes, self.theme, self.gate_error, self.started = axes, theme, gate_error, started
        self.centre, self.half, self.exit = NARROW if theme.narrow else WIDE

    def draw(
        self, rows: list[tuple[str, list[tuple[str, int]]]], heights: list[float], top: float, remaining: int
    ) -> None:
        self._terminal(top, "Start", self.theme.muted)
        self._arrow((self.centre, top - 0.2), (self.centre, top - 0.62), remaining, self.theme.passed)
        self._text(self.centre + 0.18, top - 0.4, f"{remaining:,}", self.theme.text)
        top -= 0.62
        for (name, exits), height in zip(rows, heights, strict=True):
            box = height - 0.45
            edge = self.theme.text if name else self.theme.muted
            label = name or "in an unknown state"
            self._box(self.centre - self.half, top - box, 2 * self.half, box, label, fill=self.theme.box, edge=edge)
            for centre, (error, count) in zip(self._exit_positions(top, box, len(exits)), exits, strict=True):
                self._exit(centre, error, count)
                remaining -= count
            self._arrow((self.centre, top - box), (self.centre, top - height), remaining, self.theme.passed)
            self._text(self.centre + 0.18, top - height + 0.22, f"{remaining:,}", self.theme.text)
            top -= height
        self._terminal(top - 0.2, "Succeeded", self.theme.passed)

    @staticmethod
    def _exit_positions(top: float, box: float, count: int) -> Iterator[float]:
        return (top - box * (index + 0.5) / count for index in range(count))

    def _exit(self, y: float, error: str, count: int) -> None:
        colour = self.theme.gated if error == self.gate_error else self.theme.failed
        begin = self.centre + self.half
        self._arrow((begin, y), (self.exit, y), count, colour)
        self._text((begin + self.exit) / 2, y + 0.17, f"{count:,}", colour, ha="center")
        self._box(
            self.exit,
            y - 0.19,
            self.theme.width - (0.15 if self.theme.narrow else 0.35) - self.exit,
            0.38,
            error,
            fill=self.theme.background,
            edge=colour,
        )

    def _box(self, x: float, y: float, width: float, height: float, text: str, *, fill: str, edge: str) -> None:
        from matplotlib.patches import FancyBboxPatch

        style = "round,pad=0,rounding_size=0.09"
        self.axes.add_patch(
            FancyBboxPatch(
                (x, y), width, height, boxstyle=style, facecolor=fill, edgecolor=edge, linewidth=1.1, zorder=3
            )
        )
        label = escape_mathtext(shorten(text, 36))
        size = min(10.5, 10.5 * width / (0.1 * len(label)))
        self.axes.text(
            x + width / 2,
            y + height / 2,
            label,
            color=edge,
            ha="center",
            va="center",
            fontsize=size,
            zorder=4,
            weight="bold",
        )

    def _terminal(self, y: float, text: str, colour: str) -> None:
        self._box(self.centre - 0.6, y - 0.2, 1.2, 0.4, text, fill=self.theme.background, edge=colour)

    def _arrow(self, begin: tuple[float, float], end: tuple[float, float], count: int, colour: str) -> None:
        from matplotlib.patches import FancyArrowPatch

        if count <= 0:
            colour = self.theme.line
        width = 1 + 6 * max(count, 0) / self.started
        self.axes.add_patch(
            FancyArrowPatch(
                begin,
                end,
                arrowstyle="-|>",
                mutation_scale=9 + 1.6 * width,
                linewidth=width,
                color=colour,
                shrinkA=0,
                shrinkB=0,
                zorder=2,
                joinstyle="miter",
                capstyle="butt",
            )
        )

    def _text(self, x: float, y: float, text: str, colour: str, ha: str = "left") -> None:
        self.axes.text(x, y, text, color=colour, ha=ha, va="center", fontsize=10.5, weight="bold", zorder=4)


def _sorted(errors: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the errors that occurred, the most frequent first."""
    return sorted(((name, count) for name, count in errors.items() if count), key=lambda item: (-item[1], item[0]))
