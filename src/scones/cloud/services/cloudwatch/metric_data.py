"""The operation GetMetricData: time series of metrics and of expressions."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

from scones.cloud.core.pages import key_token, read_key
from scones.cloud.core.store import Store
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.errors import invalid_token, validation_error
from scones.cloud.services.cloudwatch.metric_math import (
    MathInput,
    Series,
    Value,
    evaluate,
    identifiers,
    uses_all_metrics,
)
from scones.cloud.services.cloudwatch.periods import Metric, check_statistic, read_periods
from scones.cloud.services.cloudwatch.samples import dimensions_of, to_seconds
from scones.cloud.wire.members import Members

MAX_QUERIES = 500
"""Maximum number of queries per request: API reference, "GetMetricData"."""
MAX_DATAPOINTS = 100_800
"""Maximum number of data points per response: API reference, "GetMetricData"."""
_STAT = re.compile(r"SampleCount|Sum|Average|Minimum|Maximum|IQM|(p|tm|wm|tc|ts)[\d.]+|(PR|TM|WM|TC|TS)\(.*\)")
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


class GetMetricDataOperations:
    """The operation that returns time series."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get_metric_data(self, call: OperationCall) -> Members:
        """Return the series of the queries that return data, the newest values first unless asked otherwise."""
        params = call.params
        begin, end = to_seconds(params["StartTime"]), to_seconds(params["EndTime"])
        _check_times(begin, end)
        queries = params["MetricDataQueries"]
        found = await series_of(self._store, queries, begin, end)
        labels = _labels(queries)
        newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results = [
            _result(query, labels, series, newest_first=newest_first)
            for query in queries
            if query.get("ReturnData", True)
            for series in _returned(query, found[query["Id"]])
        ]
        return {**_page(results, params), "Messages": []}


async def series_of(store: Store, queries: Sequence[Members], begin: float, end: float) -> dict[str, Value]:
    """Return the value of each query by ID; raises `ServiceError` for invalid queries."""
    by_id = _checked(queries)
    metrics = {name: query for name, query in by_id.items() if "MetricStat" in query}

    def read(connection: sqlite3.Connection) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, query in metrics.items():
            found[name] = _metric_series(connection, query["MetricStat"], begin, end)
        for name in by_id:
            _evaluate(name, by_id, found, ())
        return found

    return await store.read_on_thread_with(read)


def _checked(queries: Sequence[Members]) -> dict[str, Members]:
    if len(queries) > MAX_QUERIES:
        raise validation_error(f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.")
    by_id: dict[str, Members] = {}
    for number, query in enumerate(queries, 1):
        path = f"MetricDataQueries.member.{number}"
        if not _ID.fullmatch(query["Id"]):
            raise validation_error(
                f'The value "{query["Id"]}" for parameter {path}.Id is not matching the expected regular expression.'
            )
        if query["Id"] in by_id:
            raise validation_error("The values for parameter Id in MetricDataQueries are not unique.")
        if "MetricStat" in query and "Expression" in query:
            raise validation_error(
                f"The parameters {path}.Expression and {path}.MetricStat are mutually exclusive and you have specified"
                " both."
            )
        if "MetricStat" not in query and "Expression" not in query:
            raise validation_error(f"The parameter {path}.MetricStat is required.\n")
        if "MetricStat" in query:
            _check_stat(query["MetricStat"]["Stat"], f"{path}.MetricStat.Stat")
        by_id[query["Id"]] = query
    return by_id


def _check_stat(stat: str, path: str) -> None:
    """Raise `ServiceError` for a statistic that AWS does not know, or that the local cloud does not support."""
    if not _STAT.fullmatch(stat):
        raise validation_error(f"The value {stat} for parameter {path} is not a valid statistic.")
    check_statistic(stat)


def _metric_series(connection: sqlite3.Connection, stat: Members, begin: float, end: float) -> Series:
    """Return the series of one metric; values of different units in a period are those of the first unit."""
    given = stat["Metric"]
    metric = Metric(given.get("Namespace", ""), given.get("MetricName", ""), dimensions_of(given), stat.get("Unit"))
    period = stat["Period"]
    series: Series = {}
    for (at, _), values in read_periods(connection, metric, begin // period * period, end, period).items():
        value = values.statistic(stat["Stat"])
        if value is not None:
            series.setdefault(at, value)
    return series


def _evaluate(name: str, by_id: Mapping[str, Members], found: dict[str, Value], path: tuple[str, ...]) -> None:
    """Evaluate an expression after those that it uses; raises `ServiceError` for one that uses itself."""
    if name in found:
        return
    if name in path:
        raise validation_error(f"Error in expression '{name}': it uses its own value.")
    expression = by_id[name]["Expression"]
    for used in sorted(identifiers(expression)):
        if used in by_id:
            _evaluate(used, by_id, found, (*path, name))
    metrics = [_as_series(found[each]) for each, query in by_id.items() if "MetricStat" in query]
    found[name] = evaluate(expression, MathInput(found, metrics, _period(name, by_id)))


def _period(name: str, by_id: Mapping[str, Members]) -> float:
    """Return the period of an expression: its own, or the longest one of the metrics that it uses, or 300 s."""
    query = by_id[name]
    if "Period" in query:
        return float(query["Period"])
    everything = uses_all_metrics(query["Expression"])
    used = by_id if everything else identifiers(query["Expression"]) & by_id.keys()
    periods = [by_id[each]["MetricStat"]["Period"] for each in used if "MetricStat" in by_id[each]]
    return float(max(periods, default=300))


def _as_series(value: Value) -> Series:
    return value if isinstance(value, dict) else {}


def _returned(query: Members, value: Value) -> list[Series]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise validation_error(f"Error in expression '{query['Id']}': the expression must return a time series.")


def _labels(queries: Sequence[Members]) -> dict[str, str]:
    """Return the labels of queries without one: the metric's name, with what distinguishes it from others."""
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query and "Label" not in query]
    names = Counter(stat["Metric"].get("MetricName", "") for stat in stats)
    labels = {}
    for query in queries:
        if "Label" in query:
            labels[query["Id"]] = query["Label"]
        elif "MetricStat" not in query:
            labels[query["Id"]] = query["Id"]
        else:
            stat = query["MetricStat"]
            name = stat["Metric"].get("MetricName", "")
            same = [each for each in stats if each["Metric"].get("MetricName", "") == name] if names[name] > 1 else []
            parts = [name]
            for member in ("Stat", "Period"):
                if len({each[member] for each in same}) > 1:
                    parts.append(str(stat[member]))
            labels[query["Id"]] = " ".join(parts)
    return labels


def _result(query: Members, labels: Mapping[str, str], series: Series, *, newest_first: bool) -> Members:
    points = sorted(series.items(), reverse=newest_first)
    return {
        "Id": query["Id"],
        "Label": labels[query["Id"]],
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }


def _page(results: list[Members], params: Members) -> Members:
    """Return a page of at most `MaxDatapoints` data points; the token holds the number of those before."""
    size = min(params.get("MaxDatapoints", MAX_DATAPOINTS), MAX_DATAPOINTS)
    token = params.get("NextToken")
    begin = int(read_key(token, [int], invalid_token())[0]) if token else 0
    if begin < 0:
        raise invalid_token()
    passed, shown = 0, []
    for result in results:
        count = len(result["Values"])
        first, last = max(0, begin - passed), max(0, min(count, begin + size - passed))
        if first < last or (not count and begin <= passed <= begin + size):
            part = {name: result[name][first:last] for name in ("Timestamps", "Values")}
            complete = last == count
            shown.append({**result, **part, "StatusCode": "Complete" if complete else "PartialData"})
        passed += count
    more = begin + size < passed
    return {"MetricDataResults": shown, "NextToken": key_token(begin + size) if more else None}


def _check_times(begin: float, end: float) -> None:
    if begin == end or begin // 1 == end // 1:
        raise validation_error("The parameter StartTime must not equal parameter EndTime.")
    if begin > end:
        raise validation_error("The parameter EndTime must be greater than StartTime.")
