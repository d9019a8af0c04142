"""CloudWatch metrics: values by namespace, name and dimensions, and their statistics per period."""

from __future__ import annotations

import base64
import json
import math
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service

Sample = tuple[float, str, float, float]
"""Time in seconds since 1970, unit, value, and count of measurements with that value."""

MOST_DATAPOINTS = 1440
"""Maximum number of data points that GetMetricStatistics returns, as on AWS."""
_PAGE = 500
_SAMPLES = (
    "SELECT at, unit, value, count FROM metric_samples WHERE at >= ? AND at < ? AND metric ="
    " (SELECT id FROM metrics WHERE namespace = ? AND name = ? AND dimensions = ?) ORDER BY at"
)


class CloudWatch(Service):
    """Metrics in the store; other services write with `append`. Values do not expire."""

    name: ClassVar[str] = "cloudwatch"
    signing_name: ClassVar[str] = "monitoring"
    schema: ClassVar[str] = """
        CREATE TABLE IF NOT EXISTS metrics (
            id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
            UNIQUE (namespace, name, dimensions)
        );
        CREATE TABLE IF NOT EXISTS metric_samples (
            metric INTEGER NOT NULL REFERENCES metrics(id), at REAL NOT NULL, unit TEXT NOT NULL,
            value REAL NOT NULL, count REAL NOT NULL
        );
        CREATE INDEX IF NOT EXISTS metric_samples_by_time ON metric_samples (metric, at)
    """

    def append(self, namespace: str, name: str, dimensions: dict[str, str], values: Iterable[float]) -> None:
        """Queue values measured now for writing, without waiting."""
        now, key = time.time(), _key(dimensions)
        samples = [(now, "None", value, 1.0) for value in values]
        self.cloud.store.submit(lambda connection: _insert(connection, namespace, name, key, samples))

    async def put_metric_data(self, call: OperationCall) -> dict[str, Any]:
        """Store values; StatisticValues are refused with `InvalidParameterCombinationException`."""
        namespace = call.params["Namespace"]
        given = [
            (datum["MetricName"], _key(_named(datum)), _samples(datum, number))
            for number, datum in enumerate(_data(call.params), 1)
        ]

        def write(connection: sqlite3.Connection) -> None:
            for name, key, samples in given:
                _insert(connection, namespace, name, key, samples)

        await self.cloud.store.write(write)
        return {}

    async def get_metric_statistics(self, call: OperationCall) -> dict[str, Any]:
        """Return a metric's statistics, one data point per unit and period that has values, oldest first."""
        params = call.params
        period = params["Period"]
        requested, percentiles = params.get("Statistics", []), params.get("ExtendedStatistics", [])
        begin, end = _to_seconds(params["StartTime"]) // 60 * 60, _to_seconds(params["EndTime"])
        _check(begin, end, period, [*requested, *percentiles])
        bounds = (begin, end, params["Namespace"], params["MetricName"], _key(_named(params)))

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            periods: dict[tuple[float, str], list[sqlite3.Row]] = defaultdict(list)
            for row in sliced_on_thread(connection.execute(_SAMPLES, bounds)):
                if params.get("Unit", row["unit"]) == row["unit"]:
                    periods[row["at"] // period * period, row["unit"]].append(row)
            return [
                {"Timestamp": at, "Unit": unit, **_statistics(samples, requested, percentiles)}
                for (at, unit), samples in sorted(periods.items())
            ]

        return {"Label": params["MetricName"], "Datapoints": await self.cloud.store.read_on_thread_with(read)}

    async def list_metrics(self, call: OperationCall) -> dict[str, Any]:
        """List metrics, filtered by namespace, name and dimensions, 500 per page."""
        params = call.params
        requested = [(each["Name"], each.get("Value")) for each in params.get("Dimensions", [])]
        conditions, values = ["(namespace, name, dimensions) > (?, ?, ?)"], _read_token(params.get("NextToken"))
        for member, column in (("Namespace", "namespace"), ("MetricName", "name")):
            if member in params:
                conditions.append(f"{column} = ?")
                values.append(params[member])
        sql = f"SELECT * FROM metrics WHERE {' AND '.join(conditions)} ORDER BY namespace, name, dimensions"  # noqa: S608

        def read(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            rows = (
                row
                for row in sliced_on_thread(connection.execute(sql, values))
                if _has_dimensions(json.loads(row["dimensions"]), requested)
            )
            return list(islice(rows, _PAGE + 1))

        rows = await self.cloud.store.read_on_thread_with(read)
        more = {"NextToken": _token(rows[_PAGE - 1])} if len(rows) > _PAGE else {}
        return {"Metrics": [_listed(row) for row in rows[:_PAGE]], **more}


def _has_dimensions(dimensions: dict[str, str], requested: list[tuple[str, str | None]]) -> bool:
    return all(name in dimensions and value in (None, dimensions[name]) for name, value in requested)


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    dimensions: dict[str, str] = json.loads(row["dimensions"])
    listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return {"Namespace": row["namespace"], "MetricName": row["name"], "Dimensions": listed}


def _insert(connection: sqlite3.Connection, namespace: str, name: str, key: str, samples: Iterable[Sample]) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO metrics (namespace, name, dimensions) VALUES (?, ?, ?)", (namespace, name, key)
    )
    (metric,) = connection.execute(
        "SELECT id FROM metrics WHERE namespace = ? AND name = ? AND dimensions = ?", (namespace, name, key)
    ).fetchone()
    connection.executemany(
        "INSERT INTO metric_samples VALUES (?, ?, ?, ?, ?)", [(metric, *sample) for sample in samples]
    )


def _key(dimensions: dict[str, str]) -> str:
    return json.dumps(dimensions, sort_keys=True)


def _named(params: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in params.get("Dimensions", [])}


def _data(params: dict[str, Any]) -> list[dict[str, Any]]:
    data = list(params.get("MetricData", []))
    for each in params.get("EntityMetricData", []):
        data += each.get("MetricData", [])
    return data


def _samples(datum: dict[str, Any], number: int) -> list[Sample]:
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
            "InvalidParameterValueException", "The parameters Values and Counts must have as many elements."
        )
    for index, value in enumerate(values, 1):
        if not math.isfinite(value):
            shown = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            member = "Value" if "Values" not in datum else f"Values.member.{index}"
            raise ServiceError(
                "InvalidParameterValueException",
                f"The value {shown} for parameter MetricData.member.{number}.{member} is invalid.",
            )
    at, unit = _to_seconds(datum.get("Timestamp", time.time())), datum.get("Unit", "None")
    return [(at, unit, value, count) for value, count in zip(values, counts, strict=True)]


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
    if points > MOST_DATAPOINTS:
        raise ServiceError(
            "InvalidParameterCombinationException",
            f"You have requested up to {points:,} datapoints, which exceeds the limit of 1,440. You may reduce the "
            "datapoints requested by increasing Period, or decreasing the time range.",
        )


def _statistics(samples: Sequence[sqlite3.Row], requested: Sequence[str], percentiles: Sequence[str]) -> dict[str, Any]:
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
    found: dict[str, Any] = {name: known[name] for name in requested}
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


def _to_seconds(moment: datetime | float) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def _token(row: sqlite3.Row) -> str:
    position = json.dumps([row["namespace"], row["name"], row["dimensions"]])
    return base64.urlsafe_b64encode(position.encode()).decode()


def _read_token(token: str | None) -> list[str]:
    """Return the namespace, name and dimensions after which the page starts."""
    if not token:
        return ["", "", ""]
    try:
        position = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        position = None
    if not isinstance(position, list) or len(position) != 3 or not all(isinstance(each, str) for each in position):
        raise ServiceError("InvalidParameterValueException", "The pagination token is invalid.")
    return position
