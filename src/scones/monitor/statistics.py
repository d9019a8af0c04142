"""Statistics: the figures that the report shows, computed once from capture records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scones.monitor.capture_record import CaptureRecord

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 2592000)
"""Possible lengths of a time slice in seconds: 1 second to 30 days, in round numbers of a unit of time."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class PassRate:
    """The gate's pass rate in time slices of equal length; `starts` is in POSIX seconds. Empty slices are omitted."""

    step: int
    starts: Floats
    totals: Integers
    passed: Integers

    @property
    def rates(self) -> Floats:
        """Share of passed predictions in each slice, 0 to 1."""
        return self.passed / self.totals


@dataclass(frozen=True)
class LabelledAccuracy:
    """Correctness of the predictions whose true label is known; `confusion` counts [true, predicted] pairs."""

    labelled: int
    correct: int
    passed_labelled: int
    passed_correct: int
    confusion: Integers

    @property
    def accuracy(self) -> float | None:
        """Share of correct predictions, or None without labelled ones."""
        return self.correct / self.labelled if self.labelled else None

    @property
    def passed_accuracy(self) -> float | None:
        """Share of correct predictions among those that passed the gate, or None without labelled ones."""
        return self.passed_correct / self.passed_labelled if self.passed_labelled else None


@dataclass(frozen=True)
class Statistics:
    """The figures of n scored records sorted by time, over k classes and b bins of confidence."""

    threshold: float
    classes: tuple[str, ...]
    scored: tuple[CaptureRecord, ...]
    unscored: int
    times: Floats
    confidences: Floats
    predicted: Integers
    passed_mask: NDArray[np.bool_]
    counts: Integers
    passed_counts: Integers
    bin_edges: Floats
    histogram: Integers
    passed_histogram: Integers
    quantiles: Mapping[float, float]
    pass_rates: PassRate
    labelled_accuracy: LabelledAccuracy | None

    @property
    def total(self) -> int:
        """Number of records with scores."""
        return len(self.scored)

    @property
    def passed(self) -> int:
        """Number of records whose confidence reaches the threshold."""
        return int(self.passed_mask.sum())

    @property
    def gated(self) -> int:
        """Number of records whose confidence is below the threshold."""
        return self.total - self.passed

    @property
    def pass_rate(self) -> float | None:
        """Share of records whose confidence reaches the threshold, 0 to 1, or None without records."""
        return self.passed / self.total if self.total else None

    def least_confident(self, count: int) -> list[int]:
        """Return the indices of the least confident records, the least confident first."""
        return [int(index) for index in np.argsort(self.confidences, kind="stable")[:count]]


def describe(
    records: Sequence[CaptureRecord],
    threshold: float,
    classes: Sequence[str] = (),
    labels: Mapping[str, int] | None = None,
    bins: int = 25,
) -> Statistics:
    """Compute the figures; a record passes the gate if its highest score is at least `threshold`, 0 to 1.

    `labels` maps an eventId, or an image's SHA-256 or MD5 in hex, to the index of its true class.
    """
    scored = tuple(sorted((record for record in records if record.scores), key=lambda record: record.inference_time))
    times = np.array([record.inference_time.timestamp() for record in scored], dtype=np.float64)
    confidences = np.array([record.confidence for record in scored], dtype=np.float64)
    predicted = np.array([record.predicted for record in scored], dtype=np.int64)
    passes = confidences >= threshold
    names = _names(classes, max((len(record.scores) for record in scored), default=0))
    # The highest of k probabilities is at least 1/k; models whose scores do not add up to one can go below.
    lowest = min(1 / max(len(names), 2), float(confidences.min(initial=1.0)))
    edges = np.linspace(np.floor(lowest * 10) / 10, 1.0, bins + 1)
    return Statistics(
        threshold=threshold,
        classes=names,
        scored=scored,
        unscored=len(records) - len(scored),
        times=times,
        confidences=confidences,
        predicted=predicted,
        passed_mask=passes,
        counts=np.bincount(predicted, minlength=len(names)).astype(np.int64),
        passed_counts=np.bincount(predicted[passes], minlength=len(names)).astype(np.int64),
        bin_edges=edges,
        histogram=_histogram(confidences, predicted, edges, len(names)),
        passed_histogram=_histogram(confidences[passes], predicted[passes], edges, len(names)),
        quantiles={level: float(np.quantile(confidences, level)) for level in QUANTILES} if scored else {},
        pass_rates=_pass_rates(times, passes),
        labelled_accuracy=None if labels is None else _labelled_accuracy(scored, passes, labels, len(names)),
    )


def _names(classes: Sequence[str], scores: int) -> tuple[str, ...]:
    return tuple(classes) + tuple(f"class {index}" for index in range(len(classes), scores))


def _histogram(confidences: Floats, predicted: Integers, edges: Floats, classes: int) -> Integers:
    """Count records by [predicted class, bin of confidence]."""
    rows = [np.histogram(confidences[predicted == index], edges)[0] for index in range(classes)]
    return np.array(rows, dtype=np.int64).reshape(classes, len(edges) - 1)


def _pass_rates(times: Floats, passes: NDArray[np.bool_], slices: int = 30) -> PassRate:
    span = float(np.ptp(times)) if len(times) else 0.0
    step = next((step for step in STEPS if span / step < slices), STEPS[-1])
    starts, where = np.unique(np.floor(times / step) * step, return_inverse=True)
    totals = np.bincount(where, minlength=len(starts)).astype(np.int64)
    passed = np.bincount(where[passes], minlength=len(starts)).astype(np.int64)
    return PassRate(step, starts, totals, passed)


def _labelled_accuracy(
    scored: Sequence[CaptureRecord], passes: NDArray[np.bool_], labels: Mapping[str, int], classes: int
) -> LabelledAccuracy:
    size = max(classes, max(labels.values(), default=-1) + 1)
    confusion = np.zeros((size, size), dtype=np.int64)
    passed = np.zeros((size, size), dtype=np.int64)
    for record, passing in zip(scored, passes, strict=True):
        label = label_of(record, labels)
        if label is not None and record.predicted is not None:
            confusion[label, record.predicted] += 1
            passed[label, record.predicted] += bool(passing)
    return LabelledAccuracy(
        labelled=int(confusion.sum()),
        correct=int(np.trace(confusion)),
        passed_labelled=int(passed.sum()),
        passed_correct=int(np.trace(passed)),
        confusion=confusion,
    )


def label_of(record: CaptureRecord, labels: Mapping[str, int]) -> int | None:
    """Return a record's true class by its eventId or its image's digest, or None if it is unknown."""
    if record.event_id in labels:
        return labels[record.event_id]
    if record.image is None:
        return None
    label = labels.get(hashlib.sha256(record.image).hexdigest())
    if label is None:
        label = labels.get(hashlib.md5(record.image, usedforsecurity=False).hexdigest())
    return label
