"""Operations on the statistics of metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.periods import Metric, PeriodValues, check_statistic, read_periods
from scones.cloud.services.cloudwatch.samples import dimensions_of, to_seconds
from scones.cloud.wire.members import Members

MAX_DATAPOINTS = 1440
"""Maximum number of data points that GetMetricStatistics returns, as on AWS."""


class StatisticsOperations:
    """The operation that returns statistics per period."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get_metric_statistics(self, call: OperationCall) -> Members:
        """Return a metric's statistics, one data point per unit and period that has values, oldest first."""
        params = call.params
        period = params["Period"]
        requested, percentiles = params.get("Statistics", []), params.get("ExtendedStatistics", [])
        begin, end = to_seconds(params["StartTime"]), to_seconds(params["EndTime"])
        _check(begin, end, period, [*requested, *percentiles])
        first = begin // 60 * 60
        metric = Metric(params["Namespace"], params["MetricName"], dimensions_of(params), params.get("Unit"))
        periods = await self._store.read_on_thread_with(
            lambda connection: read_periods(connection, metric, first, end, period)
        )
        points = [
            {"Timestamp": at, "Unit": unit, **_statistics(values, requested, percentiles)}
            for (at, unit), values in periods.items()
        ]
        return {"Label": params["MetricName"], "Datapoints": points}


def _check(begin: float, end: float, period: int, statistics: Sequence[str]) -> None:
    for name in statistics:
        check_statistic(name)
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
            f"You have requested up to {points} datapoints, which exceeds the limit of {MAX_DATAPOINTS}. You may"
            " reduce the datapoints requested by increasing Period, or decreasing the time range.",
        )


def _statistics(values: PeriodValues, requested: Sequence[str], percentiles: Sequence[str]) -> Members:
    found: Members = {name: values.statistic(name) for name in requested}
    if percentiles:
        found["ExtendedStatistics"] = {
            name: value for name in percentiles if (value := values.statistic(name)) is not None
        }
    return found
