"""Values of metrics, aggregated by period and unit."""

from __future__ import annotations

import math
import re
import sqlite3
from dataclasses import dataclass, field

from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.services.cloudwatch.errors import invalid_value
from scones.cloud.services.cloudwatch.samples import dimensions_column

_METRIC = "(SELECT id FROM metrics WHERE namespace = ? AND name = ? AND dimensions = ?)"
_SAMPLES = (
    f"SELECT at, unit, value, count FROM metric_samples WHERE at >= ? AND at < ? AND metric = {_METRIC}"  # noqa: S608
    " ORDER BY at"
)
_SETS = f"SELECT * FROM metric_statistic_sets WHERE at >= ? AND at < ? AND metric = {_METRIC} ORDER BY at"  # noqa: S608
_STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, and the unit that its values must have, or None for any unit."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str | None = None


@dataclass(slots=True)
class PeriodValues:
    """The values of one period with one unit."""

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf
    values: list[tuple[float, float]] = field(default_factory=list)
    """Values and the counts of measurements with them; those of statistic sets are not known."""

    def add(self, value: float, count: float) -> None:
        """Add a value."""
        self.values.append((value, count))
        self.add_set(count, value * count, value, value)

    def add_set(self, count: float, total: float, least: float, greatest: float) -> None:
        """Add a statistic set."""
        self.count += count
        self.total += total
        self.least, self.greatest = min(self.least, least), max(self.greatest, greatest)

    def statistic(self, name: str) -> float | None:
        """Return a statistic or a percentile; None for a percentile of statistic sets, which AWS does not have."""
        if name in _STATISTICS:
            return {
                "SampleCount": self.count,
                "Sum": self.total,
                "Average": self.total / self.count if self.count else 0.0,
                "Minimum": self.least,
                "Maximum": self.greatest,
            }[name]
        return self._percentile(float(name[1:]))

    def _percentile(self, percent: float) -> float | None:
        """Return the smallest value that this percentage of the measurements does not exceed."""
        rank, passed, value = percent / 100 * self.count, 0.0, None
        for each, count in sorted(self.values):
            passed, value = passed + count, each
            if passed >= rank:
                break
        return value


def check_statistic(name: str) -> None:
    """Raise `ServiceError` for a statistic that is neither one of the five nor a percentile."""
    if name not in _STATISTICS and not _PERCENTILE.fullmatch(name):
        raise invalid_value(f"The local cloud supports percentiles (p50, p99.9), but not {name}.")


def read_periods(
    connection: sqlite3.Connection, metric: Metric, begin: float, end: float, period: int
) -> dict[tuple[float, str], PeriodValues]:
    """Return the values of a metric by the period's start, in seconds since 1970, and the unit.

    Runs on a thread, with pauses.
    """
    key = (begin, end, metric.namespace, metric.name, dimensions_column(metric.dimensions))
    found: dict[tuple[float, str], PeriodValues] = {}
    for sql in (_SAMPLES, _SETS):
        for row in sliced_on_thread(connection.execute(sql, key)):
            unit = row["unit"]
            if metric.unit in (None, unit):
                values = found.setdefault((row["at"] // period * period, unit), PeriodValues())
                if sql is _SAMPLES:
                    values.add(row["value"], row["count"])
                else:
                    values.add_set(row["count"], row["total"], row["least"], row["greatest"])
    return dict(sorted(found.items()))
