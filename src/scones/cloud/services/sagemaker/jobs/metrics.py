"""A training job's metrics, read from its log lines by regular expressions."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import re2

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
LINE = 4096
"""Characters of a line in which metrics are looked for: RE2's time is the product of line and expression."""
MEMORY = 1 << 17
"""Bytes that a compiled expression may take: `(\\pL{100}){10}` would be large, and slow."""


def definitions(specification: dict[str, Any]) -> list[dict[str, str]]:
    """Return an AlgorithmSpecification's metric definitions, the built-in ones where it gives none.

    Raises `ServiceError` (ValidationException) for an expression that cannot be compiled.
    """
    given: list[dict[str, str]] = specification.get("MetricDefinitions") or BUILT_IN.get(
        images.repository(specification.get("TrainingImage", "")), []
    )
    for definition in given:
        try:
            _compile(definition["Regex"])
        except re2.error as error:
            reason = error.args[0].decode(errors="replace")
            raise invalid(
                f"The Regex of the metric definition {definition['Name']!r} cannot be compiled: {reason}. The local "
                "cloud takes RE2's syntax, without lookahead, lookbehind and backreferences."
            ) from error
    return given


class Metrics:
    """The latest value of every metric."""

    def __init__(self, given: Iterable[dict[str, str]]) -> None:
        self._expressions = [(item["Name"], _compile(item["Regex"])) for item in given]
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


def _compile(expression: str) -> Any:
    """Compile a user's expression for RE2, which takes linear time; raises `re2.error`."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    return re2.compile(expression, options)


def _value(expression: Any, line: str) -> float | None:
    match = expression.search(line[:LINE])
    try:
        return float(match[1]) if match else None
    except (TypeError, ValueError, IndexError):  # no number, or no group
        return None
