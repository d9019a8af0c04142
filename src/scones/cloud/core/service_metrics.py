"""Metrics that the cloud's services publish, such as AWS/Lambda Invocations, until CloudWatch stores them."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

MAX_VALUES = 200
"""Number of different values of a metric in a minute that are kept exactly; further ones are rounded to two digits."""

Dimensions = tuple[tuple[str, str], ...]
"""Names and values of a metric's dimensions."""


class MetricMinute(NamedTuple):
    """One minute of one metric; `at` is the minute's start in seconds since 1970."""

    at: int
    namespace: str
    name: str
    dimensions: Dimensions
    unit: str


class ServiceMetrics:
    """The values of the current minutes, which are lost if the cloud is killed before they are stored.

    Adding a value costs about a microsecond, so that services can do it in every operation.
    """

    def __init__(self) -> None:
        self._minutes: dict[MetricMinute, dict[float, int]] = {}
        self.added = asyncio.Event()
        """Set while there are values that nobody has taken."""

    def add(
        self, namespace: str, name: str, dimensions: Dimensions, value: float, *, unit: str = "Count", count: int = 1
    ) -> None:
        """Add a value that was measured now, `count` times."""
        minute = MetricMinute(int(time.time() // 60) * 60, namespace, name, dimensions, unit)
        values = self._minutes.setdefault(minute, {})
        if len(values) >= MAX_VALUES:
            value = float(f"{value:.1e}")
        values[value] = values.get(value, 0) + count
        self.added.set()

    def take(self) -> dict[MetricMinute, dict[float, int]]:
        """Return the collected values with their counts, and forget them."""
        taken, self._minutes = self._minutes, {}
        self.added.clear()
        return taken
