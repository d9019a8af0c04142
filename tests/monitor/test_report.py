"""The report and its charts: complete, self-contained, marked if the data is synthetic, and safe with hostile names."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from scones.monitor import charts
from scones.monitor import state_machine_chart as flow
from scones.monitor.capture_record import CaptureRecord, InvalidLine
from scones.monitor.captures import Captures, FolderCaptures, read_captures
from scones.monitor.report import ExecutionCounts, RunFacts, write_report
from scones.monitor.statistics import Statistics, describe
from scones.monitor.theme import DARK, LIGHT, PHONE_WIDTH, confidence, percent
from support.monitor_records import START, draw_image, write_captures

DEFINITION = {
    "StartAt": "SerializeImage",
    "States": {
        "SerializeImage": {"Type": "Task", "Next": "ClassifyImage"},
        "ClassifyImage": {"Type": "Task", "Next": "FilterInferences"},
        "FilterInferences": {"Type": "Task", "End": True},
    },
}

FACTS = RunFacts(
    dataset="cifar-100",
    classes=("bicycle", "motorcycle"),
    threshold=0.93,
    endpoint_name="vehicles-2026",
    training_images=1000,
    test_images=5,
    validation_accuracy=0.905,
    training_seconds=131.4,
    executions=ExecutionCounts(total=5, succeeded=3, gated=1, failed=1),
    execution_ms_p50=412,
    execution_ms_p95=640,
    definition=DEFINITION,
    errors={"FilterInferences": {flow.GATE_ERROR: 1}, "ClassifyImage": {"ModelError": 1}},
    finished=START + timedelta(minutes=6),
)

PHONE = replace(LIGHT, width=PHONE_WIDTH)

LABELS = {"event-0": 0, "event-1": 0, "event-3": 1}

CHARTS = {
    "confidence-over-time.png",
    "confidence-histograms.png",
    "gate-pass-rate.png",
    "least-confident.png",
    "predictions-per-class.png",
    "state-machine.png",
}


class Page(HTMLParser):
    """A page's visible text and its elements' attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text, self.title = "", ""
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.append("/" + tag)

    def handle_data(self, data: str) -> None:
        last = self._open[-1] if self._open else ""
        if last == "title":
            self.title += data
        elif last != "style":
            self.text += " ".join(data.split()) + " "

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def records(count: int, classes: int = 2, seconds: float = 20) -> list[CaptureRecord]:
    random = np.random.default_rng(count)
    shares = random.dirichlet([0.08] * classes, count) if classes > 1 else random.random((count, 1))
    return [
        CaptureRecord(
            f"event-{index}",
            START + timedelta(seconds=int(index * seconds / count)),
            None,
            "image/png",
            draw_image(index) if index < 30 else None,
            [float(score) for score in row],
            "file",
            index + 1,
        )
        for index, row in enumerate(shares)
    ]


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Captures:
    answers = [[0.99, 0.01], [0.02, 0.98], [0.95, 0.05], [0.6, 0.4]]
    return read_captures(FolderCaptures(write_captures(tmp_path_factory.mktemp("captured") / "captures", answers)))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, captures: Captures) -> Path:
    """A report that tests only read, with its charts next to it."""
    folder = tmp_path_factory.mktemp("reported") / "report"
    path = write_report(folder, captures, FACTS, labels=LABELS)
    assert path == folder / "report.html"
    return path


def test_the_report_leads_with_the_verdict_and_shows_the_run(report: Path) -> None:
    page = Page(report)
    text = page.text.replace("\u00a0", " ")
    assert "4 images classified, 75 % passed the gate at 0.93; 1 needs human review." in text
    assert page.title.replace("\u00a0", " ").startswith("Scones: 4 images classified")
    for fact in (
        "vehicles-2026",
        "90.5 %",
        "2 min 11 s",
        "412 ms",
        "95 % within 640 ms",
        "of 5, for reasons other than the gate",
    ):
        assert fact in text
    assert "33 % accuracy of 3 with a known label" in text
    assert "50 % accuracy among passed images of 2 with a known label" in text
    assert "wrong, true label: motorcycle" in text
    assert "4 records in 2 capture files; all lines were valid." in text
    assert "synthetic" not in report.read_text().lower()


def test_every_chart_is_in_the_page_in_both_themes_with_a_text_and_as_a_file(report: Path) -> None:
    page = Page(report)

    assert {path.name for path in report.parent.glob("*.png")} == CHARTS
    for name in CHARTS:
        with Image.open(report.with_name(name)) as chart:
            assert 1400 <= chart.width <= 1700
            assert 200 <= chart.height <= 2000
    assert len(page.attributes("srcset")) == 5 * 3  # the dark theme, and both themes for phones
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 5 + 4  # the charts, and the images of lowest confidence
    assert all(len(image["alt"]) > 20 for image in images)
    assert "1 failed in ClassifyImage with ModelError" in next(i["alt"] for i in images if "State machine" in i["alt"])


def test_the_page_loads_nothing_from_anywhere(report: Path) -> None:
    page, source = Page(report), report.read_text()
    loaded = [*page.attributes("src"), *page.attributes("srcset")]
    assert loaded
    assert all(address.startswith("data:image/png;base64,") for address in loaded)
    assert not [tag for tag, _ in page.elements if tag in ("script", "link", "iframe", "object")]
    assert not page.attributes("href")
    assert "http://" not in source
    assert "https://" not in source
    assert "url(" not in source
    assert "@import" not in source


def test_synthetic_data_is_marked_in_title_banner_and_tiles_and_on_the_charts(
    tmp_path: Path, captures: Captures, report: Path
) -> None:
    drawn = write_report(tmp_path, captures, replace(FACTS, dataset="synthetic"), labels=LABELS)

    page = Page(drawn)
    assert page.title.startswith("[synthetic data]")
    assert "Synthetic data. No real images were available" in page.text
    assert page.attributes("class").count("mark") == 8  # one on every tile
    for name in CHARTS:
        assert report.with_name(name).read_bytes() != drawn.with_name(name).read_bytes()


def test_hostile_names_are_escaped(tmp_path: Path, captures: Captures) -> None:
    attack = '"><script>alert(1)</script>'
    bad = (InvalidLine(f"{attack}.jsonl", 1, attack),)
    facts = replace(
        FACTS,
        classes=(attack, r"$\frac{bicycle$ $"),
        endpoint_name=attack,
        dataset=attack,
        definition={"StartAt": attack, "States": {attack: {"Type": "Pass", "End": True}}},
        errors={attack: {r"$\unknown{$": 1}},
    )

    page = Page(write_report(tmp_path, replace(captures, invalid_lines=bad), facts))

    assert "script" not in [tag for tag, _ in page.elements]
    assert page.text.count(attack) >= 4
    assert "4 records in 2 capture files; 1 invalid line." in page.text


def test_bytes_that_are_not_an_image_leave_a_gap_in_the_contact_sheet(tmp_path: Path, captures: Captures) -> None:
    kinds = [b"no image", b"\x89PNG\r\n\x1a\n", b"", None]
    damaged = tuple(replace(r, image=content) for r, content in zip(captures.records, kinds, strict=True))

    page = Page(write_report(tmp_path, replace(captures, records=damaged), FACTS))

    assert page.attributes("class").count("missing") == 4
    assert "1 record without an image" in page.text


def test_an_empty_capture_gives_a_report_that_says_so(tmp_path: Path) -> None:
    facts = RunFacts(dataset="cifar-100", classes=(), threshold=0.93, endpoint_name="vehicles")

    page = Page(write_report(tmp_path, Captures(), facts))

    assert "No images have been classified" in page.title
    assert "0 records in 0 capture files" in page.text
    assert {path.name for path in tmp_path.glob("*.png")} == CHARTS - {"state-machine.png"}


def test_missing_captures_are_reported(tmp_path: Path, captures: Captures) -> None:
    facts = replace(FACTS, executions=ExecutionCounts(total=9, succeeded=6, gated=3))

    page = Page(write_report(tmp_path, captures, facts))

    assert "The endpoint answered 9 executions, but the number of capture records is 4." in page.text


CASES = {
    "none": describe([], 0.93, ("bicycle", "motorcycle")),
    "one": describe(records(1), 0.93, ("bicycle", "motorcycle")),
    "one class": describe(records(40, classes=1), 0.93, ("bicycle",)),
    "thousands": describe(records(5000, seconds=90_000), 0.93, ("bicycle", "motorcycle")),
    "hundred classes": describe(records(300, classes=100, seconds=900_000), 0.5),
}


@pytest.mark.parametrize("statistics", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("theme", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_charts_can_be_drawn_for_few_and_for_many_records(statistics: Statistics, theme: charts.Theme) -> None:
    figures = [
        charts.confidence_over_time(statistics, theme),
        charts.confidence_histograms(statistics, theme),
        charts.predictions_per_class(statistics, theme),
        charts.gate_pass_rate(statistics, theme),
        charts.least_confident_images(statistics, theme=theme),
    ]

    for figure in figures:
        chart = Image.open(BytesIO(charts.png(figure)))
        assert chart.width == round(theme.width * 160)
        assert 250 <= chart.height <= (2800 if theme.narrow else 1700)
        background = chart.convert("RGB").getpixel((2, 2))
        assert background == tuple(bytes.fromhex(theme.background[1:]))
        assert len(chart.convert("RGB").getcolors(1 << 20) or []) > 3  # the chart is not empty


@pytest.mark.parametrize("statistics", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("theme", [LIGHT, PHONE], ids=["wide", "phone"])
def test_no_text_of_a_chart_is_cut_off(statistics: Statistics, theme: charts.Theme) -> None:
    errors = {"FilterInferences": {flow.GATE_ERROR: 1234}, "ClassifyImage": {"SageMaker.ModelError" + "x" * 20: 2}}
    figures = [
        charts.confidence_over_time(statistics, theme),
        charts.confidence_histograms(statistics, theme),
        charts.predictions_per_class(statistics, theme),
        charts.gate_pass_rate(statistics, theme),
        flow.state_machine(DEFINITION, 2000, 764, errors, theme=theme),
    ]

    for figure in figures:
        charts.png(figure)
        edge = figure.bbox
        for text in figure.findobj(Text):
            if text.get_text().strip() and text.get_visible() and not _is_clipped_tick(text):
                box = text.get_window_extent()
                assert edge.x0 <= box.x0 < box.x1 <= edge.x1, text.get_text()
                assert edge.y0 <= box.y0 < box.y1 <= edge.y1, text.get_text()


def _is_clipped_tick(text: Text) -> bool:
    """Return True for a tick label beyond the limits of its axis, which matplotlib does not draw."""
    return text.axes is not None and not text.axes.get_tightbbox().overlaps(text.get_window_extent())


def test_the_main_path_follows_next_and_ends_at_a_loop() -> None:
    states = {
        "Look": {"Type": "Pass", "Next": "Choose"},
        "Choose": {"Type": "Choice", "Choices": [{"Next": "Left"}], "Default": "Right"},
        "Left": {"Type": "Succeed"},
        "Right": {"Type": "Wait", "Next": "Look"},
    }

    assert flow.main_path({"StartAt": "Look", "States": states}) == ["Look", "Choose", "Right"]
    assert flow.main_path({"StartAt": "Nowhere", "States": states}) == []


def test_the_state_machine_chart_shows_every_error() -> None:
    errors = {"FilterInferences": {flow.GATE_ERROR: 30}, "ClassifyImage": {"ModelError": 2}, "": {"States.Timeout": 1}}

    figure = flow.state_machine(DEFINITION, 200, 160, errors)

    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    for name in (
        "Start",
        *DEFINITION["States"],
        "ThresholdConfidenceNotMet",
        "ModelError",
        "States.Timeout",
        "Succeeded",
    ):
        assert name in texts
    assert [text for text in texts if text.isdigit()] == ["200", "200", "2", "198", "30", "168", "7", "1", "160"]
    assert "did not end" in texts


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0001, "0.1 %"), (0.004, "0.4 %"), (0.834, "83 %"), (0.9991, "99.9 %"), (1, "100 %")],
)
def test_shares_are_shown_as_all_or_none_only_if_exact(share: float, text: str) -> None:
    assert percent(share).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.9297, "0.9297"), (0.9294, "0.929"), (0.93, "0.930"), (0.929999, "0.929999"), (1.0, "1.000")]
)
def test_a_confidence_is_shown_as_passed_or_gated(value, text):
    assert confidence(value, 0.93) == text


def test_importing_the_monitor_loads_no_charting_library() -> None:
    program = (
        "import sys, scones.monitor.report; print([m for m in ('matplotlib', 'jinja2', 'PIL') if m in sys.modules])"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_equal_errors_of_states_outside_the_main_path_are_added_up() -> None:
    errors = {"Left": {"ModelError": 2}, "": {"ModelError": 3}}
    figure = flow.state_machine(DEFINITION, 10, 5, errors)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert (texts.count("ModelError"), "did not end" in texts, texts[-2]) == (1, False, "5")
