"""Evaluation of metric alarms: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data"."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from scones.cloud.core.store import Store
from scones.cloud.services.cloudwatch.alarm_messages import iso_time
from scones.cloud.services.cloudwatch.metric_data import series_of
from scones.cloud.services.cloudwatch.metric_math import Series
from scones.cloud.wire.members import Members

MORE_PERIODS = 2
"""Periods before the evaluated ones whose values are used if newer ones are missing."""
_OPERATORS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
OPERATORS = frozenset(_OPERATORS)
"""Supported comparison operators; those of anomaly detection are refused."""


class Verdict(NamedTuple):
    """The state of an alarm, the reason, and the reason as JSON."""

    state: str
    reason: str
    data: str


def alarm_queries(alarm: Members) -> list[Members]:
    """Return the queries of GetMetricData whose series an alarm watches."""
    if "Metrics" in alarm:
        return list(alarm["Metrics"])
    metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions")}
    stat: Members = {
        "Metric": metric,
        "Period": alarm["Period"],
        "Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"],
    }
    if "Unit" in alarm:
        stat["Unit"] = alarm["Unit"]
    return [{"Id": "m1", "MetricStat": stat}]


def alarm_period(alarm: Members) -> int:
    """Return the period of the watched series in seconds."""
    if "Metrics" not in alarm:
        return int(alarm["Period"])
    periods = [query.get("Period") or query.get("MetricStat", {}).get("Period") for query in alarm["Metrics"]]
    return int(max([period for period in periods if period], default=60))


async def evaluate(store: Store, alarm: Members, now: float) -> Verdict | None:
    """Return the state that an alarm's values mean, or None if it keeps its state."""
    period, periods = alarm_period(alarm), alarm["EvaluationPeriods"]
    end = now // period * period
    begin = end - period * (periods + MORE_PERIODS)
    queries = alarm_queries(alarm)
    if "Metrics" not in alarm:
        counted = {**queries[0]["MetricStat"], "Stat": "SampleCount"}
        queries.append({"Id": "counts", "MetricStat": counted, "ReturnData": False})
    found = await series_of(store, queries, begin, end)
    (returned,) = [query["Id"] for query in queries if query.get("ReturnData", True)]
    series = found[returned]
    points = sorted((series if isinstance(series, dict) else {}).items())[-periods:]
    counts = found.get("counts") if "Metrics" not in alarm else None
    return _Evaluation(alarm, dict(points), counts if isinstance(counts, dict) else {}, period, end).verdict()


class _Evaluation:
    """One evaluation: the newest values of the watched series, at most as many as there are evaluated periods."""

    def __init__(self, alarm: Members, points: Series, counts: Series, period: int, end: float) -> None:
        self._alarm = alarm
        self._points = points
        self._counts = counts
        self._period = period
        self._end = end
        self._periods: int = alarm["EvaluationPeriods"]
        self._needed: int = alarm.get("DatapointsToAlarm") or self._periods
        self._breaches, self._words = _OPERATORS[alarm["ComparisonOperator"]]

    def verdict(self) -> Verdict | None:
        """Return the state, or None if the alarm keeps its state."""
        treatment = self._alarm.get("TreatMissingData", "missing")
        missing = self._periods - len(self._points)
        if not self._points and treatment == "ignore":
            return None
        if not self._points and treatment == "missing":
            reason = f"Insufficient Data: {_counted(self._periods, 'was', 'were')} unknown."
            return self._result("INSUFFICIENT_DATA", reason)
        breaching = [at for at, value in self._points.items() if self._breaches(value, self._alarm["Threshold"])]
        count = len(breaching) + (missing if treatment == "breaching" else 0)
        known = len(self._points) if treatment in ("missing", "ignore") else self._periods
        state = "ALARM" if count >= min(self._needed, known) else "OK"
        if not self._points:
            treated = "Breaching" if treatment == "breaching" else "NonBreaching"
            reason = (
                f"Threshold Crossed: no datapoints were received for {self._periods} period{_s(self._periods)} and"
                f" {missing} missing datapoint{_s(missing)} {_were(missing)} treated as [{treated}]."
            )
            return self._result(state, reason)
        return self._result(state, self._crossed(state, breaching))

    def _crossed(self, state: str, breaching: Sequence[float]) -> str:
        """Return the reason in AWS's words: which values were on which side of the threshold."""
        alarm = state == "ALARM"
        shown = [at for at in self._points if (at in breaching) is alarm] or list(self._points)
        values = ", ".join(f"{self._points[at]!r} ({_short(at)})" for at in reversed(shown))
        of_last = f" out of the last {self._periods}" if self._periods > 1 and len(shown) != self._periods else ""
        count = f"{len(shown)}{of_last} datapoint{_s(self._periods if of_last else len(shown))}"
        negation = "" if alarm else "not "
        reason = (
            f"Threshold Crossed: {count} [{values}] {_were(len(shown))} {negation}{self._words} the threshold"
            f" ({float(self._alarm['Threshold'])!r})"
        )
        if self._periods > 1:
            minimum = f"minimum {self._needed} datapoint{_s(self._needed)} for "
            reason += f" ({minimum}{'OK -> ALARM' if alarm else 'ALARM -> OK'} transition)"
        return f"{reason}."

    def _result(self, state: str, reason: str) -> Verdict:
        alarm = self._alarm
        data: Members = {"version": "1.0", "queryDate": iso_time(self._end)}
        if self._points:
            data["startDate"] = iso_time(min(self._points))
        if "Unit" in alarm:
            data["unit"] = alarm["Unit"]
        if "Statistic" in alarm:
            data["statistic"] = alarm["Statistic"]
        newest = sorted(self._points, reverse=True)
        data |= {
            "period": self._period,
            "recentDatapoints": [self._points[at] for at in sorted(self._points)],
            "threshold": float(alarm["Threshold"]),
            "evaluatedDatapoints": [self._evaluated(at) for at in newest]
            or [{"timestamp": iso_time(self._end - self._period * (number + 1))} for number in range(self._periods)],
        }
        return Verdict(state, reason, json.dumps(data))

    def _evaluated(self, at: float) -> Members:
        """Return the description of a value; that of an expression has no number of samples."""
        count: Members = {"sampleCount": self._counts[at]} if at in self._counts else {}
        return {"timestamp": iso_time(at), **count, "value": self._points[at]}


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _counted(count: int, singular: str, plural: str) -> str:
    return f"{count} datapoint{_s(count)} {singular if count == 1 else plural}"


def _short(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d/%m/%y %H:%M:%S")
