"""Functions of the query language: CloudWatch Logs User Guide, "Supported operations and functions"."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable, Sequence

from scones.cloud.services.logs.insights.tokens import malformed
from scones.cloud.services.logs.insights.values import Value, number, text

Function = Callable[[Sequence[Value]], Value]

PERIODS = {
    "ms": 1.0,
    "s": 1e3,
    "m": 60e3,
    "h": 3600e3,
    "d": 86400e3,
    "w": 7 * 86400e3,
    "mo": 30 * 86400e3,
    "q": 91 * 86400e3,
    "y": 365 * 86400e3,
}
"""Milliseconds of the units of periods; months, quarters and years have one length here."""


def _numeric(function: Callable[..., float]) -> Function:
    def call(values: Sequence[Value]) -> Value:
        numbers = [number(value) for value in values]
        if not numbers or None in numbers:
            return None
        try:
            return function(*numbers)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None

    return call


def _textual(function: Callable[..., Value]) -> Function:
    def call(values: Sequence[Value]) -> Value:
        return None if not values or values[0] is None else function(*(text(value) for value in values))

    return call


def _substr(value: str, start: str, length: str | None = None) -> str:
    begin = int(float(start))
    return value[begin:] if length is None else value[begin : begin + int(float(length))]


def _replace(value: str, search: str, new: str) -> str:
    replaced = value.replace(search, new) if search else value
    return replaced[:_MAX_TEXT]


def _concat(values: Sequence[Value]) -> Value:
    return "".join(text(value) for value in values)[:_MAX_TEXT]


def _is_address(version: int | None) -> Function:
    def call(values: Sequence[Value]) -> Value:
        try:
            address = ipaddress.ip_address(text(values[0]))
        except (ValueError, IndexError):
            return False
        return version in (None, address.version)

    return call


def _first(values: Sequence[Value]) -> Value:
    return values[0] if values else None


_MAX_TEXT = 1 << 20
"""Maximum number of characters of a computed text."""
FUNCTIONS: dict[str, Function] = {
    "abs": _numeric(abs),
    "ceil": _numeric(lambda value: float(math.ceil(value))),
    "floor": _numeric(lambda value: float(math.floor(value))),
    "greatest": _numeric(max),
    "least": _numeric(min),
    "log": _numeric(math.log),
    "sqrt": _numeric(math.sqrt),
    "isempty": lambda values: _first(values) in (None, ""),
    "isblank": lambda values: text(_first(values)).strip() == "",
    "ispresent": lambda values: _first(values) is not None,
    "coalesce": lambda values: next((value for value in values if value is not None), None),
    "concat": _concat,
    "ltrim": _textual(lambda value, characters=None: value.lstrip(characters)),
    "rtrim": _textual(lambda value, characters=None: value.rstrip(characters)),
    "trim": _textual(lambda value, characters=None: value.strip(characters)),
    "strlen": _textual(lambda value: float(len(value))),
    "toupper": _textual(str.upper),
    "tolower": _textual(str.lower),
    "substr": _textual(_substr),
    "replace": _textual(_replace),
    "strcontains": _textual(lambda value, searched: searched in value),
    "isvalidip": _is_address(None),
    "isvalidipv4": _is_address(4),
    "isvalidipv6": _is_address(6),
    "now": lambda values: float(int(time.time())),  # noqa: ARG005
    "frommillis": _first,
    "tomillis": _first,
}
"""Functions by their name in lower case; functions that round a time are below."""


def call_function(name: str, values: Sequence[Value]) -> Value:
    """Return the value of a function; None if the arguments do not fit."""
    try:
        return FUNCTIONS[name](values)
    except (TypeError, ValueError, OverflowError):
        return None


def floor_time(value: Value, period: float) -> Value:
    """Return a time rounded down to a period in milliseconds."""
    found = number(value)
    return None if found is None else found // period * period


def ceil_time(value: Value, period: float) -> Value:
    """Return a time rounded up to a period in milliseconds."""
    found = number(value)
    return None if found is None else -(-found // period) * period


def period_of(amount: str, unit: str) -> float:
    """Return the length of a period such as `5m` in milliseconds; raises `ServiceError`."""
    if unit not in PERIODS or float(amount) <= 0:
        raise malformed(f"invalid period {amount}{unit}")
    return float(amount) * PERIODS[unit]
