"""A training job's metrics, read from its log lines by regular expressions."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import regex

from scones.cloud import images
from scones.cloud.services.sagemaker.errors import invalid

_XGBOOST = [
    {"Name": f"{data}:{metric}", "Regex": rf".*\[[0-9]+\].*#011{data}-{metric}:([-+.\deE]+)"}
    for metric in (
        "accuracy", "auc", "error", "f1", "logloss", "mae", "map", "merror", "mlogloss", "mse", "ndcg", "r2", "rmse",
    )
    for data in ("train", "validation")
]  # fmt: skip
# AWS attaches definitions to its built-in algorithms' images. Its expressions for classification are not published;
# these read the lines that the algorithm is known to write.
BUILT_IN = {
    "blazingtext": [
        {"Name": "train:accuracy", "Regex": r"#train_accuracy: (\S*)"},
        {"Name": "validation:accuracy", "Regex": r"#validation_accuracy: (\S*)"},
    ],
    "image-classification": [
        {"Name": "train:accuracy", "Regex": r"Epoch\S* Train-accuracy=(\S*)"},
        {"Name": "validation:accuracy", "Regex": r"Epoch\S* Validation-accuracy=(\S*)"},
    ],
    "sagemaker-xgboost": _XGBOOST,
    "xgboost": _XGBOOST,
}
PATIENCE = 0.05
"""Seconds that one expression may take on one line: a user's may backtrack without end."""


def definitions(specification: dict[str, Any]) -> list[dict[str, str]]:
    """Return an AlgorithmSpecification's metric definitions, the built-in ones where it gives none.

    Raises `ServiceError` (ValidationException) for an expression that cannot be compiled.
    """
    given: list[dict[str, str]] = specification.get("MetricDefinitions") or BUILT_IN.get(
        images.repository(specification.get("TrainingImage", "")), []
    )
    for definition in given:
        try:
            regex.compile(definition["Regex"])
        except regex.error as error:
            raise invalid(
                f"The Regex of the metric definition {definition['Name']!r} cannot be compiled: {error}."
            ) from error
    return given


class Metrics:
    """The latest value of every metric."""

    def __init__(self, given: Iterable[dict[str, str]]) -> None:
        self._expressions = [(item["Name"], regex.compile(item["Regex"])) for item in given]
        self._latest: dict[str, dict[str, Any]] = {}

    def read(self, line: str) -> dict[str, float]:
        """Take the values in a log line, and return them by their metrics' names."""
        found = {}
        for name, expression in self._expressions:
            value = _value(expression, line)
            if value is not None:
                self._latest[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
                found[name] = value
        return found

    def final(self) -> list[dict[str, Any]]:
        """Return FinalMetricDataList."""
        return list(self._latest.values())


def _value(expression: regex.Pattern[str], line: str) -> float | None:
    try:
        match = expression.search(line, timeout=PATIENCE)
        return float(match[1]) if match else None
    except (TimeoutError, ValueError, IndexError):  # no number, or no group
        return None
