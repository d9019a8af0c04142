"""Operations on the statistics of metrics."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from scones.cloud.core.store import Store
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.samples import dimensions_column, dimensions_of, to_seconds
from scones.cloud.wire.members import Members

MAX_DATAPOINTS = 1440
"""Maximum number of data points that GetMetricStatistics returns, as on AWS."""
_SAMPLES = (
    "SELECT at, unit, value, count FROM metric_samples WHERE at >= ? AND at < ? AND metric ="
    " (SELECT id FROM metrics WHERE namespace = ? AND name = ? AND dimensions = ?) ORDER BY at"
)


class StatisticsOperations:
    """The operation that returns statistics per period."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get_metric_statistics(self, call: OperationCall) -> Members:
        """Return a metric's statistics, one data point per unit and period that has values, oldest first."""
        params = call.params
        period = params["Period"]
        requested, percentiles = params.get("Statistics", []), params.get("ExtendedStatistics", [])
        begin, end = to_seconds(params["StartTime"]) // 60 * 60, to_seconds(params["EndTime"])
        _check(begin, end, period, [*requested, *percentiles])
        dimensions = dimensions_column(dimensions_of(params))
        values = (begin, end, params["Namespace"], params["MetricName"], dimensions)

        def read(connection: sqlite3.Connection) -> list[Members]:
            periods: dict[tuple[float, str], list[sqlite3.Row]] = defaultdict(list)
            for row in sliced_on_thread(connection.execute(_SAMPLES, values)):
                if params.get("Unit", row["unit"]) == row["unit"]:
                    periods[row["at"] // period * period, row["unit"]].append(row)
            return [
                {"Timestamp": at, "Unit": unit, **_statistics(samples, requested, percentiles)}
                for (at, unit), samples in sorted(periods.items())
            ]

        return {"Label": params["MetricName"], "Datapoints": await self._store.read_on_thread_with(read)}


def _check(begin: float, end: float, period: int, statistics: Sequence[str]) -> None:
    if not statistics:
        raise ServiceError("MissingRequiredParameterException", "Must specify either Statistics or ExtendedStatistics")
    if period not in (1, 5, 10, 30) and period % 60:
        raise ServiceError(
            "InvalidParameterValueException", f"Period {period} must be 1, 5, 10, 30, or a multiple of 60."
        )
    if begin >= end:
        raise ServiceError(
            "InvalidParameterValueException", "The parameter StartTime must be less than the parameter EndTime."
        )
    points = math.ceil((end - begin) / period)
    if points > MAX_DATAPOINTS:
        raise ServiceError(
            "InvalidParameterCombinationException",
            f"You have requested up to {points:,} datapoints, which exceeds the limit of {MAX_DATAPOINTS:,}. You may"
            " reduce the datapoints requested by increasing Period, or decreasing the time range.",
        )


def _statistics(samples: Sequence[sqlite3.Row], requested: Sequence[str], percentiles: Sequence[str]) -> Members:
    count = sum(sample["count"] for sample in samples)
    total = sum(sample["value"] * sample["count"] for sample in samples)
    values = [sample["value"] for sample in samples]
    known = {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count if count else 0.0,
        "Minimum": min(values),
        "Maximum": max(values),
    }
    found: Members = {name: known[name] for name in requested}
    if percentiles:
        found["ExtendedStatistics"] = {name: _percentile(samples, count, name) for name in percentiles}
    return found


def _percentile(samples: Sequence[sqlite3.Row], count: float, name: str) -> float:
    """Return a percentile such as p99: the smallest value that 99 % of the measurements do not exceed."""
    try:
        if not name.startswith("p"):
            raise ValueError
        rank = float(name[1:]) / 100 * count
    except ValueError:
        raise ServiceError(
            "InvalidParameterValueException", f"The local cloud supports percentiles (p50, p99.9), but not {name}."
        ) from None
    passed, value = 0.0, 0.0
    for sample in sorted(samples, key=lambda each: each["value"]):
        passed, value = passed + sample["count"], sample["value"]
        if passed >= rank:
            break
    return value
