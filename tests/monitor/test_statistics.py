"""The report's statistics, compared with results calculated by hand."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import numpy as np
import pytest

from scones.monitor.capture_record import CaptureRecord
from scones.monitor.statistics import describe
from support.monitor_records import START, draw_image


def answer(*scores: float, second: float = 0, event_id: str = "", image: bytes | None = None) -> CaptureRecord:
    moment = START + timedelta(seconds=second)
    return CaptureRecord(event_id, moment, None, "image/png", image, list(scores), "file", 1)


def test_a_prediction_at_the_threshold_passes_and_one_below_does_not() -> None:
    statistics = describe([answer(0.93, 0.07), answer(0.929, 0.071), answer(0.01, 0.99)], 0.93)

    assert statistics.passed_mask.tolist() == [True, False, True]
    assert (statistics.total, statistics.passed, statistics.gated) == (3, 2, 1)
    assert statistics.pass_rate == pytest.approx(2 / 3)


def test_classes_are_counted_and_unnamed_ones_get_a_number() -> None:
    records = [answer(0.1, 0.1, 0.8), answer(0.95, 0.05, 0), answer(0.9, 0.1, 0), answer(0.5, 0.5, 0)]

    statistics = describe(records, 0.9, ("bicycle", "motorcycle"))

    assert statistics.classes == ("bicycle", "motorcycle", "class 2")
    assert statistics.counts.tolist() == [3, 0, 1]
    assert statistics.passed_counts.tolist() == [2, 0, 0]


def test_histograms_count_each_record_once_by_class_and_bin() -> None:
    records = [answer(0.5, 0.5), answer(0.55, 0.45), answer(0.3, 0.7), answer(0.0, 1.0), answer(0.95, 0.05)]

    statistics = describe(records, 0.9, bins=5)

    assert statistics.bin_edges == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert statistics.histogram.tolist() == [[2, 0, 0, 0, 1], [0, 0, 1, 0, 1]]
    assert statistics.passed_histogram.tolist() == [[0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]


def test_a_confidence_below_chance_still_falls_into_a_bin() -> None:
    statistics = describe([answer(0.25, 0.15), answer(0.9, 0.1)], 0.9)

    assert statistics.bin_edges[0] == pytest.approx(0.2)
    assert statistics.histogram.sum() == 2


def test_quantiles_of_confidence() -> None:
    statistics = describe([answer(value, 0) for value in (0.6, 0.7, 0.8, 0.9, 1.0)], 0.93)

    assert statistics.quantiles == pytest.approx({0.05: 0.62, 0.25: 0.7, 0.5: 0.8, 0.75: 0.9, 0.95: 0.98})


def test_the_pass_rate_over_time_omits_empty_slices() -> None:
    # 59 seconds: the shortest step with at most 30 slices is 2 seconds.
    seconds = [0, 1, 1, 58, 59]
    scores = [0.99, 0.99, 0.5, 0.5, 0.5]
    records = [answer(score, 0, second=second) for score, second in zip(scores, seconds, strict=True)]

    slices = describe(records, 0.93).pass_rates

    assert slices.step == 2
    assert (slices.starts - START.timestamp()).tolist() == [0, 58]
    assert slices.totals.tolist() == [3, 2]
    assert slices.rates == pytest.approx([2 / 3, 0])


def test_records_are_put_in_order_of_time() -> None:
    statistics = describe([answer(0.6, 0.4, second=9), answer(0.7, 0.3, second=1)], 0.93)

    assert statistics.confidences.tolist() == [0.7, 0.6]
    assert statistics.least_confident(1) == [1]


def test_labels_are_found_by_event_id_and_by_digest_of_the_image() -> None:
    records = [
        answer(0.99, 0.01, second=0, event_id="a"),
        answer(0.98, 0.02, second=1, event_id="b", image=draw_image(1)),
        answer(0.4, 0.6, second=2, event_id="c", image=draw_image(2)),
        answer(0.4, 0.6, second=3, event_id="d"),
    ]
    labels = {
        "a": 0,
        hashlib.sha256(draw_image(1)).hexdigest(): 1,
        hashlib.md5(draw_image(2)).hexdigest(): 1,
    }

    truth = describe(records, 0.93, labels=labels).labelled_accuracy

    assert truth is not None
    assert (truth.labelled, truth.correct) == (3, 2)
    assert (truth.passed_labelled, truth.passed_correct) == (2, 1)
    assert truth.accuracy == pytest.approx(2 / 3)
    assert truth.passed_accuracy == 0.5
    assert truth.confusion.tolist() == [[1, 0], [1, 1]]


def test_without_labels_there_is_no_accuracy() -> None:
    assert describe([answer(0.9, 0.1)], 0.93).labelled_accuracy is None
    unknown = describe([answer(0.9, 0.1)], 0.93, labels={"another": 1}).labelled_accuracy
    assert unknown is not None
    assert (unknown.accuracy, unknown.passed_accuracy) == (None, None)


def test_records_without_scores_are_counted_apart() -> None:
    statistics = describe([answer(), answer(0.9, 0.1)], 0.93)

    assert (statistics.total, statistics.unscored) == (1, 1)


@pytest.mark.parametrize("classes", [(), ("bicycle",), ("bicycle", "motorcycle")])
def test_without_records_the_statistics_are_empty(classes: tuple[str, ...]) -> None:
    statistics = describe([], 0.93, classes, labels={})

    assert (statistics.total, statistics.pass_rate, statistics.quantiles) == (0, None, {})
    assert statistics.counts.tolist() == [0] * len(classes)
    assert statistics.least_confident(5) == []
    assert np.all(np.diff(statistics.bin_edges) > 0)
