"""Operations on metric data."""

from __future__ import annotations

import math
import sqlite3
import time

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.samples import Sample, dimensions_of, insert_samples, to_seconds
from scones.cloud.wire.members import Members


class MetricDataOperations:
    """The operation that stores values of metrics."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put_metric_data(self, call: OperationCall) -> Members:
        """Store values; StatisticValues are refused with `InvalidParameterCombinationException`."""
        namespace = call.params["Namespace"]
        data = [
            (datum["MetricName"], dimensions_of(datum), _samples(datum, number))
            for number, datum in enumerate(_data(call.params), 1)
        ]

        def write(connection: sqlite3.Connection) -> None:
            for name, dimensions, samples in data:
                insert_samples(connection, namespace, name, dimensions, samples)

        await self._store.write(write)
        return {}


def _data(params: Members) -> list[Members]:
    data = list(params.get("MetricData", []))
    for each in params.get("EntityMetricData", []):
        data += each.get("MetricData", [])
    return data


def _samples(datum: Members, number: int) -> list[Sample]:
    if "StatisticValues" in datum:
        raise ServiceError(
            "InvalidParameterCombinationException",
            "The local cloud supports Value and Values, but not StatisticValues.",
        )
    values = datum.get("Values", [datum["Value"]] if "Value" in datum else [])
    if not values:
        raise ServiceError(
            "MissingRequiredParameterException",
            f"The metric {datum['MetricName']} must have one of the parameters Value, Values and StatisticValues.",
        )
    counts = datum.get("Counts", [1.0] * len(values))
    if len(counts) != len(values):
        raise ServiceError(
            "InvalidParameterValueException", "The parameters Values and Counts must have the same number of elements."
        )
    for index, value in enumerate(values, 1):
        if not math.isfinite(value):
            member = "Value" if "Values" not in datum else f"Values.member.{index}"
            raise ServiceError(
                "InvalidParameterValueException",
                f"The value {_java_text(value)} for parameter MetricData.member.{number}.{member} is invalid.",
            )
    at, unit = to_seconds(datum.get("Timestamp", time.time())), datum.get("Unit", "None")
    return [(at, unit, value, count) for value, count in zip(values, counts, strict=True)]


def _java_text(value: float) -> str:
    """Return a value that is not finite as AWS's messages spell it."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
