"""Operations on metric data."""

from __future__ import annotations

import math
import sqlite3
import time

from scones.cloud.core.store import Store
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.errors import invalid_combination, invalid_value, missing_parameter
from scones.cloud.services.cloudwatch.samples import (
    Sample,
    StatisticSet,
    dimensions_of,
    insert_samples,
    insert_statistic_set,
    to_seconds,
)
from scones.cloud.wire.members import Members


class MetricDataOperations:
    """The operation that stores values of metrics."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put_metric_data(self, call: OperationCall) -> Members:
        """Store values and statistic sets."""
        namespace = call.params["Namespace"]
        data = [
            (datum["MetricName"], dimensions_of(datum), _stored(datum, f"MetricData.member.{number}"))
            for number, datum in enumerate(_data(call.params), 1)
        ]

        def write(connection: sqlite3.Connection) -> None:
            for name, dimensions, stored in data:
                if isinstance(stored, list):
                    insert_samples(connection, namespace, name, dimensions, stored)
                else:
                    insert_statistic_set(connection, namespace, name, dimensions, stored)

        await self._store.write(write)
        return {}


def _data(params: Members) -> list[Members]:
    data = list(params.get("MetricData", []))
    for each in params.get("EntityMetricData", []):
        data += each.get("MetricData", [])
    return data


def _stored(datum: Members, path: str) -> list[Sample] | StatisticSet:
    """Return what a datum adds to its metric; raises `ServiceError`. `path` names the datum in messages."""
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if len(given) > 1 and given[0] == "Value":  # AWS accepts the other two together; which of them counts is not known
        raise invalid_combination(
            f"The parameters {path}.{given[0]} and {path}.{given[1]} are mutually exclusive and you have specified"
            " both."
        )
    if not given or not datum.get("Values", [0]):
        raise missing_parameter(
            f"The metric {datum['MetricName']} must have one of the parameters Value, Values and StatisticValues."
        )
    at, unit = to_seconds(datum.get("Timestamp", time.time())), datum.get("Unit", "None")
    if "StatisticValues" in datum:
        statistics = datum["StatisticValues"]
        numbers = [statistics[name] for name in ("SampleCount", "Sum", "Minimum", "Maximum")]
        for name, value in zip(("SampleCount", "Sum", "Minimum", "Maximum"), numbers, strict=True):
            _check_finite(value, f"{path}.StatisticValues.{name}")
        return (at, unit, numbers[0], numbers[1], numbers[2], numbers[3])
    values = datum.get("Values", [datum.get("Value")])
    counts = datum.get("Counts", [1.0] * len(values))
    if len(counts) != len(values):
        raise invalid_value(f"The parameters {path}.Values and {path}.Counts must be of the same size.")
    for index, value in enumerate(values, 1):
        _check_finite(value, f"{path}.Value" if "Value" in datum else f"{path}.Values.member.{index}")
    return [(at, unit, value, count) for value, count in zip(values, counts, strict=True)]


def _check_finite(value: float, path: str) -> None:
    if not math.isfinite(value):
        raise invalid_value(f"The value {_java_text(value)} for parameter {path} is invalid.")


def _java_text(value: float) -> str:
    """Return a value that is not finite as AWS's messages spell it."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
