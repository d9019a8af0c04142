"""A training job's metrics, extracted from its log lines with regular expressions."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable

from scones.cloud.core.expressions import RegularExpression, RegularExpressionError
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.process import container_images as images
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.wire.members import Members

_XGBOOST = [
    {"Name": f"{data}:{metric}", "Regex": rf".*\[[0-9]+\].*#011{data}-{metric}:([-+.\deE]+)"}
    for metric in (
        "accuracy",
        "auc",
        "error",
        "f1",
        "logloss",
        "mae",
        "map",
        "merror",
        "mlogloss",
        "mse",
        "ndcg",
        "r2",
        "rmse",
    )
    for data in ("train", "validation")
]
# AWS attaches definitions to its built-in algorithms' images. Its expressions for classification are not published;
# these match the lines that the algorithm is known to write.
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


def definitions(specification: Members) -> list[dict[str, str]]:
    """Return an AlgorithmSpecification's metric definitions, or the image's built-in ones if it has none.

    Raises `ServiceError` (ValidationException) for an expression that cannot be compiled.
    """
    given: list[dict[str, str]] = specification.get("MetricDefinitions") or BUILT_IN.get(
        images.repository(specification.get("TrainingImage", "")), []
    )
    for definition in given:
        try:
            RegularExpression(definition["Regex"])
        except RegularExpressionError as error:
            raise invalid(
                f"The regular expression of metric definition {definition['Name']!r} cannot be compiled: "
                f"{error}. The local cloud uses RE2 syntax, which has no lookahead, lookbehind or "
                "backreferences."
            ) from error
    return given


class Metrics:
    """The latest value of each metric."""

    def __init__(self, given: Iterable[dict[str, str]]) -> None:
        self._expressions = [(item["Name"], RegularExpression(item["Regex"])) for item in given]
        self._latest: dict[str, Members] = {}

    async def read(self, lines: Iterable[str]) -> dict[str, list[float]]:
        """Extract the values from log lines, in time slices; return them by metric name, in order."""
        found = defaultdict(list)
        async with TimeSlices() as slices:
            for line in lines:
                for name, expression in self._expressions:
                    if (value := _value(expression, line)) is not None:
                        self._latest[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
                        found[name].append(value)
                    if slices.used_up():
                        await slices.pause()
        return found

    def final(self) -> list[Members]:
        """Return the latest values as a FinalMetricDataList."""
        return list(self._latest.values())


def _value(expression: RegularExpression, line: str) -> float | None:
    found = expression.group(line)
    try:
        return None if found is None else float(found)
    except ValueError:  # not a number
        return None
