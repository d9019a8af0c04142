"""Aggregate functions of the command `stats`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from scones.cloud.services.logs.insights.tokens import malformed
from scones.cloud.services.logs.insights.values import Value, number, order_key, text

MAX_KEPT = 1_000_000
"""Maximum number of values that percentiles and distinct counts of one query keep."""


class Budget:
    """The number of values that a query may still keep."""

    def __init__(self) -> None:
        self._left = MAX_KEPT

    def take(self) -> None:
        """Use one; raises `ServiceError` (MalformedQueryException) if none is left."""
        self._left -= 1
        if self._left < 0:
            raise malformed(f"The local cloud keeps at most {MAX_KEPT} values for percentiles and distinct counts.")


class Accumulator(Protocol):
    """The state of an aggregate function for one group."""

    def add(self, arguments: Sequence[Value], at: float) -> None:
        """Add the arguments of a row; `at` is the row's time."""

    def result(self) -> Value:
        """Return the function's value."""


class _Moments:
    """Count, sum, extremes and variance of numbers."""

    def __init__(self, result: Callable[[_Moments], Value]) -> None:
        self.count = 0
        self.total = 0.0
        self.mean = 0.0
        self.squares = 0.0
        self.least = math.inf
        self.greatest = -math.inf
        self._result = result

    def add(self, arguments: Sequence[Value], at: float) -> None:  # noqa: ARG002
        value = number(arguments[0])
        if value is None:
            return
        self.count += 1
        self.total += value
        self.least, self.greatest = min(self.least, value), max(self.greatest, value)
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    def result(self) -> Value:
        return self._result(self) if self.count else None


class _Count:
    def __init__(self) -> None:
        self._count = 0

    def add(self, arguments: Sequence[Value], at: float) -> None:  # noqa: ARG002
        if not arguments or arguments[0] is not None:
            self._count += 1

    def result(self) -> Value:
        return float(self._count)


class _Distinct:
    def __init__(self, budget: Budget) -> None:
        self._seen: set[str] = set()
        self._budget = budget

    def add(self, arguments: Sequence[Value], at: float) -> None:  # noqa: ARG002
        if arguments[0] is not None and (value := text(arguments[0])) not in self._seen:
            self._budget.take()
            self._seen.add(value)

    def result(self) -> Value:
        return float(len(self._seen))


class _Percentile:
    """The smallest value that the given percentage of the values do not exceed."""

    def __init__(self, budget: Budget, percent: float | None = None) -> None:
        self._values: list[float] = []
        self._percent = percent
        self._budget = budget

    def add(self, arguments: Sequence[Value], at: float) -> None:  # noqa: ARG002
        value = number(arguments[0])
        if value is not None:
            self._budget.take()
            self._values.append(value)
        if len(arguments) > 1:
            self._percent = number(arguments[1])

    def result(self) -> Value:
        if not self._values or self._percent is None:
            return None
        ordered = sorted(self._values)
        rank = math.ceil(self._percent / 100 * len(ordered))
        return ordered[max(0, min(len(ordered), rank) - 1)]


class _Chosen:
    """The value of the row with the greatest key."""

    def __init__(self, key: Callable[[Value, float], tuple[float, ...] | tuple[int, float, str]], sign: int) -> None:
        self._key = key
        self._sign = sign
        self._best: tuple[object, ...] | None = None
        self._value: Value = None

    def add(self, arguments: Sequence[Value], at: float) -> None:
        if arguments[0] is None:
            return
        key = self._key(arguments[0], at)
        if self._best is None or (key > self._best) is (self._sign > 0):
            self._best, self._value = key, arguments[0]

    def result(self) -> Value:
        return self._value


AGGREGATES: dict[str, Callable[[Budget], Accumulator]] = {
    "count": lambda budget: _Count(),  # noqa: ARG005
    "count_distinct": _Distinct,
    "sum": lambda budget: _Moments(lambda moments: moments.total),  # noqa: ARG005
    "avg": lambda budget: _Moments(lambda moments: moments.total / moments.count),  # noqa: ARG005
    "min": lambda budget: _Moments(lambda moments: moments.least),  # noqa: ARG005
    "max": lambda budget: _Moments(lambda moments: moments.greatest),  # noqa: ARG005
    "stddev": lambda budget: _Moments(lambda moments: math.sqrt(moments.squares / moments.count)),  # noqa: ARG005
    "pct": _Percentile,
    "median": lambda budget: _Percentile(budget, 50.0),
    "earliest": lambda budget: _Chosen(lambda value, at: (at,), -1),  # noqa: ARG005
    "latest": lambda budget: _Chosen(lambda value, at: (at,), 1),  # noqa: ARG005
    "sortsfirst": lambda budget: _Chosen(lambda value, at: order_key(value), -1),  # noqa: ARG005
    "sortslast": lambda budget: _Chosen(lambda value, at: order_key(value), 1),  # noqa: ARG005
}
"""Aggregate functions by their name in lower case."""
