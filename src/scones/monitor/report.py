"""The report: one HTML file that opens offline, with the verdict first. Its charts are also stored as PNG files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scones.monitor import charts
from scones.monitor import state_machine_chart as flow
from scones.monitor.captures import Captures
from scones.monitor.images import data_uri, png_uri
from scones.monitor.statistics import Statistics, describe, label_of
from scones.monitor.theme import DARK, LIGHT, PHONE_WIDTH, Theme, confidence, format_count, percent, stamp

if TYPE_CHECKING:  # Jinja and Matplotlib take long to load; only reports use them
    from jinja2 import Template
    from matplotlib.figure import Figure

SYNTHETIC = "synthetic"
"""Name of the dataset of drawn images; it marks every figure as synthetic."""

MAX_INVALID_LINES = 20


@dataclass(frozen=True)
class ExecutionCounts:
    """Executions by result: `gated` failed with the gate's error, `failed` with any other error."""

    total: int = 0
    succeeded: int = 0
    gated: int = 0
    failed: int = 0


@dataclass(frozen=True)
class RunFacts:
    """Facts about a run other than its captures; the report omits facts that are None or empty.

    `definition` is the state machine's ASL; `errors` counts the unsuccessful executions, by state and error name.
    """

    dataset: str
    classes: tuple[str, ...]
    threshold: float
    endpoint_name: str
    training_images: int | None = None
    test_images: int | None = None
    validation_accuracy: float | None = None
    training_seconds: float | None = None
    endpoint_seconds: float | None = None
    executions: ExecutionCounts = field(default_factory=ExecutionCounts)
    execution_ms_p50: float | None = None
    execution_ms_p95: float | None = None
    state_machine_arn: str | None = None
    definition: flow.StateMachineDefinition = field(default_factory=flow.StateMachineDefinition)
    errors: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    bucket: str | None = None
    region: str | None = None
    model_artifact: str | None = None
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def synthetic(self) -> bool:
        """True if the images are drawn, so that the figures say nothing about real ones."""
        return self.dataset == SYNTHETIC


@dataclass(frozen=True)
class KeyFigure:
    """A key figure: its value, its name, and a remark that explains it."""

    value: str
    name: str
    remark: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart in both themes and two widths, as data URIs, with a description in words."""

    title: str
    light: str
    dark: str
    light_phone: str
    dark_phone: str
    words: str


@dataclass(frozen=True)
class UncertainImage:
    """One of the least confident images: its PNG as a data URI (None if it cannot be decoded) and the prediction."""

    image: str | None
    predicted: str
    score: str
    passed: bool
    other_scores: str
    truth: str
    wrong: bool


def write_report(
    folder: Path,
    captures: Captures,
    facts: RunFacts,
    *,
    labels: Mapping[str, int] | None = None,
    least_confident: int = 24,
) -> Path:
    """Write `report.html` and its charts as PNG files into a folder, and return the HTML file's path.

    `labels` holds true classes as in `describe`; `least_confident` is the number of least confident images shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    statistics = describe(captures.records, facts.threshold, facts.classes, labels)
    drawn = _charts(folder, statistics, facts, least_confident)
    page = _template().render(
        facts=facts,
        statistics=statistics,
        verdict=verdict(statistics),
        tiles=_tiles(statistics, facts),
        charts=drawn,
        doubts=[
            _uncertain_image(statistics, index, labels or {}) for index in statistics.least_confident(least_confident)
        ],
        rows=_run_rows(facts),
        confusion=_confusion(statistics),
        notes=_notes(captures, statistics, facts),
        bad_lines=captures.invalid_lines[:MAX_INVALID_LINES],
        bad_lines_left=max(len(captures.invalid_lines) - MAX_INVALID_LINES, 0),
    )
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def verdict(statistics: Statistics) -> str:
    """Summarise the predictions in one sentence."""
    if statistics.pass_rate is None:
        return "No images have been classified: there are no captured predictions yet."
    share, gate = percent(statistics.pass_rate), f"{statistics.threshold:g}"
    start = f"{format_count(statistics.total, 'image')} classified, {share} passed the gate at {gate}"
    if not statistics.gated:
        return f"{start}; no image needs human review."
    need = "needs" if statistics.gated == 1 else "need"
    return f"{start}; {statistics.gated:,} {need} human review."


def _tiles(statistics: Statistics, facts: RunFacts) -> list[KeyFigure]:
    captured = f"{statistics.unscored:,} more without scores" if statistics.unscored else "captured at the endpoint"
    tiles = [KeyFigure(f"{statistics.total:,}", "images classified", captured)]
    if statistics.pass_rate is not None:
        gate = f"confidence of {statistics.threshold:g} or more"
        tiles.append(KeyFigure(percent(statistics.pass_rate), "passed the gate", gate, "passed"))
        tone = "gated" if statistics.gated else ""
        tiles.append(KeyFigure(f"{statistics.gated:,}", "need human review", "stopped by the gate", tone))
    truth = statistics.labelled_accuracy
    if truth is not None and truth.accuracy is not None:
        tiles.append(KeyFigure(percent(truth.accuracy), "accuracy", f"of {truth.labelled:,} with a known label"))
        if truth.passed_accuracy is not None:
            known = f"of {truth.passed_labelled:,} with a known label"
            tiles.append(KeyFigure(percent(truth.passed_accuracy), "accuracy among passed images", known))
    if facts.validation_accuracy is not None:
        tiles.append(
            KeyFigure(f"{100 * facts.validation_accuracy:.1f} %", "validation accuracy", "measured during training")
        )
    if facts.executions.failed:
        remark = f"of {facts.executions.total:,}, for reasons other than the gate"
        tiles.append(KeyFigure(f"{facts.executions.failed:,}", "executions failed", remark, "failed"))
    if facts.execution_ms_p50 is not None:
        slow = "" if facts.execution_ms_p95 is None else f"95 % within {_milliseconds(facts.execution_ms_p95)}"
        tiles.append(KeyFigure(_milliseconds(facts.execution_ms_p50), "per execution (median)", slow))
    return tiles


def _charts(folder: Path, statistics: Statistics, facts: RunFacts, least_confident: int) -> dict[str, Chart]:
    quantiles = statistics.quantiles
    spread = (
        f"The median confidence is {quantiles[0.5]:.3f}, the 5 % quantile {quantiles[0.05]:.3f}." if quantiles else ""
    )
    split = (
        f"{statistics.passed:,} predictions passed the gate at {statistics.threshold:g}, and "
        f"{statistics.gated:,} did not."
    )
    classes = [f"{name}: {count:,}" for name, count in zip(statistics.classes, statistics.counts, strict=True) if count]
    ended = [
        f"{count:,} failed in {state or 'an unknown state'} with {error}"
        for state, found in facts.errors.items()
        for error, count in found.items()
    ]
    way = (
        "; ".join([f"{facts.executions.succeeded:,} of {facts.executions.total:,} executions succeeded", *ended]) + "."
    )

    def machine(theme: Theme) -> Figure:
        executions = facts.executions
        return flow.state_machine(facts.definition, executions.total, executions.succeeded, facts.errors, theme=theme)

    plans: dict[str, tuple[Callable[[Theme], Figure], str, str]] = {
        "confidence-over-time": (
            lambda theme: charts.confidence_over_time(statistics, theme),
            "Confidence over time",
            f"{split} {spread}",
        ),
        "gate-pass-rate": (lambda theme: charts.gate_pass_rate(statistics, theme), "Gate pass rate", split),
        "confidence-histograms": (
            lambda theme: charts.confidence_histograms(statistics, theme),
            "Confidence per predicted class",
            spread,
        ),
        "predictions-per-class": (
            lambda theme: charts.predictions_per_class(statistics, theme),
            "Predictions per class",
            ", ".join(classes[:20]),
        ),
    }
    if facts.definition:
        plans["state-machine"] = (machine, "State machine", way)
    (folder / "least-confident.png").write_bytes(
        _png(charts.least_confident_images(statistics, least_confident), LIGHT, facts)
    )
    return {name: _chart(folder / f"{name}.png", facts, *plan) for name, plan in plans.items()}


def _chart(path: Path, facts: RunFacts, draw: Callable[[Theme], Figure], title: str, words: str) -> Chart:
    themes = (LIGHT, DARK, replace(LIGHT, width=PHONE_WIDTH), replace(DARK, width=PHONE_WIDTH))
    drawn = [_png(draw(theme), theme, facts) for theme in themes]
    path.write_bytes(drawn[0])
    light, dark, light_phone, dark_phone = map(png_uri, drawn)
    return Chart(title, light, dark, light_phone, dark_phone, words)


def _png(figure: Figure, theme: Theme, facts: RunFacts) -> bytes:
    if facts.synthetic:
        stamp(figure, theme, "synthetic data")
    return charts.png(figure)


def _uncertain_image(statistics: Statistics, index: int, labels: Mapping[str, int]) -> UncertainImage:
    record, chosen = statistics.scored[index], int(statistics.predicted[index])
    runners = sorted(((score, other) for other, score in enumerate(record.scores) if other != chosen), reverse=True)[:1]
    label = label_of(record, labels)
    return UncertainImage(
        image=data_uri(record.image),
        predicted=statistics.classes[chosen],
        score=confidence(statistics.confidences[index], statistics.threshold),
        passed=bool(statistics.passed_mask[index]),
        other_scores=", ".join(f"{statistics.classes[other]} {score:.3f}" for score, other in runners),
        truth="" if label is None else _class_name(statistics, label),
        wrong=label is not None and label != chosen,
    )


def _class_name(statistics: Statistics, index: int) -> str:
    return statistics.classes[index] if index < len(statistics.classes) else f"class {index}"


def _confusion(statistics: Statistics) -> list[tuple[str, list[int]]]:
    """Return the confusion matrix as rows (true class, counts), or no rows if it is unknown or too large to read."""
    truth = statistics.labelled_accuracy
    if truth is None or not truth.labelled or len(truth.confusion) > 12:
        return []
    return [(_class_name(statistics, index), row.tolist()) for index, row in enumerate(truth.confusion)]


def _run_rows(facts: RunFacts) -> list[tuple[str, str]]:
    """Return the known facts about the run as (name, text)."""
    rows = [
        ("Dataset", facts.dataset),
        (
            "Classes",
            ", ".join(facts.classes[:12]) + (f" and {len(facts.classes) - 12} more" if facts.classes[12:] else ""),
        ),
        ("Training images", _number(facts.training_images)),
        ("Test images", _number(facts.test_images)),
        ("Validation accuracy", "" if facts.validation_accuracy is None else f"{facts.validation_accuracy:.4f}"),
        ("Training", _seconds(facts.training_seconds)),
        ("Endpoint deployed in", _seconds(facts.endpoint_seconds)),
        ("Endpoint", facts.endpoint_name),
        ("State machine", facts.state_machine_arn or ""),
        ("Model", facts.model_artifact or ""),
        ("Bucket", facts.bucket or ""),
        ("Region", facts.region or ""),
        ("Started", _moment(facts.started)),
        ("Finished", _moment(facts.finished)),
    ]
    return [(name, text) for name, text in rows if text]


def _notes(captures: Captures, statistics: Statistics, facts: RunFacts) -> list[str]:
    """Return the notes that a reader needs to judge the figures."""
    notes = [
        f"{format_count(len(captures.records), 'record')} in {format_count(captures.files, 'capture file')}; "
        + (
            f"{format_count(len(captures.invalid_lines), 'invalid line')}."
            if captures.invalid_lines
            else "all lines were valid."
        )
    ]
    if statistics.unscored:
        notes.append(
            f"{format_count(statistics.unscored, 'record')} without scores: data capture stored no output for these."
        )
    pictureless = sum(record.image is None for record in statistics.scored)
    if pictureless:
        notes.append(f"{format_count(pictureless, 'record')} without an image: data capture stored no input for these.")
    answered = facts.executions.succeeded + facts.executions.gated
    if facts.executions.total and answered != len(captures.records):
        notes.append(
            f"The endpoint answered {format_count(answered, 'execution')}, "
            f"but the number of capture records is {len(captures.records):,}."
        )
    if statistics.labelled_accuracy is not None and statistics.labelled_accuracy.labelled < statistics.total:
        notes.append(
            f"The true label is known for {statistics.labelled_accuracy.labelled:,} of {statistics.total:,} images."
        )
    notes.append(
        "Capture times have whole seconds; the chart over time spreads the predictions of one second evenly over it."
    )
    return notes


def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("scones.monitor", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _milliseconds(milliseconds: float) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:,.1f} s"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%-d %B %Y, %H:%M:%S %Z}".strip()
