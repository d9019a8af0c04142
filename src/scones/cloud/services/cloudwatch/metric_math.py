"""Metric math: expressions over time series, CloudWatch User Guide, "Using metric math".

Functions that are not in `_FUNCTIONS`, and the queries SEARCH and SELECT, are refused by name.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from scones.cloud.errors import ServiceError
from scones.cloud.services.cloudwatch.errors import validation_error

Series: TypeAlias = dict[float, float]
"""Values by the start of their period, in seconds since 1970."""
Value: TypeAlias = "float | str | Series | list[Series]"
"""The value of an expression: a number, a text, a time series or several of them."""

MAX_DEPTH = 50
"""Maximum nesting of an expression."""
MAX_FILLED = 100_800
"""Maximum number of periods of a series that FILL completes."""
MAX_TOKENS = 1000
"""Maximum number of words and symbols of an expression."""
_TOKEN = re.compile(r'\s*(?:(\d+\.?\d*|\.\d+)|([A-Za-z_]\w*)|"([^"]*)"|(==|!=|<=|>=|&&|\|\||[-+*/^()\[\],<>]))')
_REFUSED = ("SEARCH", "SELECT")


@dataclass(frozen=True, slots=True)
class MathInput:
    """What an expression can use: the series of other queries by ID, and the period in seconds."""

    series: Mapping[str, Value]
    metrics: Sequence[Series]
    period: float


def identifiers(expression: str) -> set[str]:
    """Return the IDs of queries that an expression uses: words that begin with a small letter."""
    return {token for kind, token in _tokens(expression) if kind == "name" and token[0].islower()}


def uses_all_metrics(expression: str) -> bool:
    """Return True if an expression calls METRICS."""
    return ("name", "METRICS") in _tokens(expression)


def evaluate(expression: str, given: MathInput) -> Value:
    """Return the value of an expression; raises `ServiceError` (ValidationException)."""
    parser = _Parser(_tokens(expression), given, expression)
    value = parser.comparison(0)
    if parser.current != ("end", ""):
        raise parser.error()
    return value


def _tokens(expression: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, text = 0, expression.rstrip()
    if text.lstrip().upper().startswith(_REFUSED):
        name = text.split("(")[0].split()[0].upper()
        raise validation_error(f"The local cloud supports metric math, but not {name}; AWS does.")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) >= MAX_TOKENS:
            raise validation_error(f"Error in expression '{expression}'.")
        kind = ("number", "name", "text", "symbol")[(match.lastindex or 1) - 1]
        found.append((kind, match[match.lastindex or 1]))
        at = match.end()
    return [*found, ("end", "")]


class _Parser:
    """Evaluates an expression while it parses it."""

    def __init__(self, tokens: list[tuple[str, str]], given: MathInput, expression: str) -> None:
        self._tokens = tokens
        self._given = given
        self._expression = expression
        self._at = 0

    @property
    def current(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def error(self) -> ServiceError:
        return validation_error(f"Error in expression '{self._expression}'.")

    def _accept(self, *symbols: str) -> str | None:
        kind, text = self.current
        if kind == "symbol" and text in symbols:
            self._at += 1
            return text
        return None

    def comparison(self, depth: int) -> Value:
        """Evaluate comparisons and the operators && and ||, whose results are 1 and 0."""
        if depth > MAX_DEPTH:
            raise self.error()
        left = self._sum(depth)
        while symbol := self._accept(*_COMPARISONS):
            left = _combine(_COMPARISONS[symbol], left, self._sum(depth))
        return left

    def _sum(self, depth: int) -> Value:
        left = self._product(depth)
        while symbol := self._accept("+", "-"):
            left = _combine(_ARITHMETIC[symbol], left, self._product(depth))
        return left

    def _product(self, depth: int) -> Value:
        left = self._power(depth)
        while symbol := self._accept("*", "/"):
            left = _combine(_ARITHMETIC[symbol], left, self._power(depth))
        return left

    def _power(self, depth: int) -> Value:
        base = self._primary(depth)
        while self._accept("^"):
            base = _combine(_ARITHMETIC["^"], base, self._primary(depth))
        return base

    def _primary(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self.error()
        if self._accept("-"):
            return _combine(operator.sub, 0.0, self._primary(depth + 1))
        if self._accept("("):
            inner = self.comparison(depth + 1)
            self._expect(")")
            return inner
        if self._accept("["):
            return self._array(depth)
        kind, text = self.current
        self._at += kind != "end"
        if kind == "number":
            return float(text)
        if kind == "text":
            return text
        if kind != "name":
            raise self.error()
        if self._accept("("):
            return self._call(text.upper(), depth)
        if text not in self._given.series:
            return self._constant(text)
        return self._given.series[text]

    def _constant(self, name: str) -> str:
        if name not in ("REPEAT", "LINEAR"):
            raise self.error()
        return name

    def _array(self, depth: int) -> list[Series]:
        found: list[Series] = []
        while not self._accept("]"):
            if found:
                self._expect(",")
            value = self.comparison(depth + 1)
            found += value if isinstance(value, list) else [value] if isinstance(value, dict) else []
        return found

    def _call(self, name: str, depth: int) -> Value:
        arguments: list[Value] = []
        while not self._accept(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.comparison(depth + 1))
        if name == "METRICS":
            return list(self._given.metrics)
        if name == "PERIOD":
            return self._given.period
        if name not in _FUNCTIONS:
            raise validation_error(f"The local cloud does not support the function {name} of metric math.")
        try:
            return _FUNCTIONS[name](arguments, self._given.period)
        except (IndexError, TypeError, ValueError, AttributeError):
            raise self.error() from None

    def _expect(self, symbol: str) -> None:
        if self._accept(symbol) is None:
            raise self.error()


def _safe_divide(left: float, right: float) -> float:
    return left / right if right else math.nan


def _safe_power(left: float, right: float) -> float:
    try:
        found = left**right
    except (OverflowError, ZeroDivisionError):
        return math.nan
    return found if isinstance(found, float) else math.nan


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _safe_divide,
    "^": _safe_power,
}
_COMPARISONS: dict[str, Callable[[float, float], float]] = {
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
}


def _combine(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Apply an operator to numbers and series; a result that is not a number is left out of a series."""
    if isinstance(left, str) or isinstance(right, str):
        raise validation_error("An operator of metric math needs numbers or time series.")
    if isinstance(left, list):
        return [_series(_combine(function, each, right)) for each in left]
    if isinstance(right, list):
        return [_series(_combine(function, left, each)) for each in right]
    if isinstance(left, dict) and isinstance(right, dict):
        return _finite({at: function(left[at], right[at]) for at in left if at in right})
    if isinstance(left, dict):
        assert not isinstance(right, dict)
        return _finite({at: function(value, right) for at, value in left.items()})
    if isinstance(right, dict):
        return _finite({at: function(left, value) for at, value in right.items()})
    return function(left, right)


def _series(value: Value) -> Series:
    return value if isinstance(value, dict) else {}


def _finite(series: Series) -> Series:
    return {at: value for at, value in series.items() if math.isfinite(value)}


Function = Callable[[Sequence[Value], float], Value]


def _aggregate(function: Callable[[list[float]], float]) -> Function:
    """Return a function of a series to a number, and of several series to one series."""

    def call(arguments: Sequence[Value], period: float) -> Value:  # noqa: ARG001
        given = arguments[0]
        if isinstance(given, list):
            times = sorted({at for series in given for at in series})
            return {at: function([series[at] for series in given if at in series]) for at in times}
        values = list(given.values()) if isinstance(given, dict) else [_number(given)]
        return function(values) if values else math.nan

    return call


def _each(function: Callable[[float], float]) -> Function:
    """Return a function that changes each value."""

    def change(value: float) -> float:
        try:
            return function(value)
        except (ValueError, OverflowError):
            return math.nan

    def call(arguments: Sequence[Value], period: float) -> Value:  # noqa: ARG001
        given = arguments[0]
        if isinstance(given, list):
            return [_finite({at: change(value) for at, value in series.items()}) for series in given]
        if isinstance(given, dict):
            return _finite({at: change(value) for at, value in given.items()})
        return change(_number(given))

    return call


def _steps(function: Callable[[float, float, float, float], float]) -> Function:
    """Return a function of each value and the one before it, with their times."""

    def call(arguments: Sequence[Value], period: float) -> Value:  # noqa: ARG001
        given = _one_series(*arguments)
        points = sorted(given.items())
        pairs = pairwise(points)
        return {at: function(before, value, before_at, at) for (before_at, before), (at, value) in pairs}

    return call


def _fill(arguments: Sequence[Value], period: float) -> Value:
    """Fill the periods without a value between the first and the last one of a series."""
    series, filler = arguments
    points = sorted(_one_series(series).items())
    if points and (points[-1][0] - points[0][0]) / period > MAX_FILLED:
        raise ValueError
    filled = dict(points)
    for (at, value), (next_at, next_value) in pairwise(points):
        for number in range(1, round((next_at - at) / period)):
            missing = at + number * period
            if filler == "REPEAT":
                filled[missing] = value
            elif filler == "LINEAR":
                filled[missing] = value + (next_value - value) * (missing - at) / (next_at - at)
            else:
                filled[missing] = _number(filler)
    return dict(sorted(filled.items()))


def _if(arguments: Sequence[Value], period: float) -> Value:  # noqa: ARG001
    """Choose between two values by a condition, period by period."""
    condition, chosen, *rest = arguments
    other = rest[0] if rest else {}
    if not isinstance(condition, dict):
        return chosen if condition else other
    picked = {at: _at(chosen if value else other, at) for at, value in condition.items()}
    return {at: value for at, value in picked.items() if value is not None}


def _at(value: Value, at: float) -> float | None:
    return value.get(at) if isinstance(value, dict) else _number(value)


def _running_sum(arguments: Sequence[Value], period: float) -> Value:  # noqa: ARG001
    given = _one_series(*arguments)
    total, found = 0.0, {}
    for at, value in sorted(given.items()):
        total += value
        found[at] = total
    return found


def _one_series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _number(value: Value) -> float:
    if not isinstance(value, int | float):
        raise TypeError
    return value


def _deviation(values: Iterable[float]) -> float:
    known = list(values)
    mean = sum(known) / len(known)
    return math.sqrt(sum((value - mean) ** 2 for value in known) / len(known))


_FUNCTIONS: dict[str, Function] = {
    "SUM": _aggregate(sum),
    "AVG": _aggregate(lambda values: sum(values) / len(values)),
    "MIN": _aggregate(min),
    "MAX": _aggregate(max),
    "STDDEV": _aggregate(_deviation),
    "DATAPOINT_COUNT": _aggregate(lambda values: float(len(values))),
    "ABS": _each(abs),
    "CEIL": _each(lambda value: float(math.ceil(value))),
    "FLOOR": _each(lambda value: float(math.floor(value))),
    "LOG": _each(math.log),
    "LOG10": _each(math.log10),
    "RATE": _steps(lambda before, value, before_at, at: (value - before) / (at - before_at)),
    "DIFF": _steps(lambda before, value, before_at, at: value - before),  # noqa: ARG005
    "DIFF_TIME": _steps(lambda before, value, before_at, at: at - before_at),  # noqa: ARG005
    "RUNNING_SUM": _running_sum,
    "FILL": _fill,
    "IF": _if,
}
