"""Rows and values of a query."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

Value: TypeAlias = str | float | bool | None
"""A value of a field; None if the row lacks the field. Times are numbers of milliseconds since 1970."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_REPORT = re.compile(
    r"REPORT RequestId: (?P<requestId>\S+)\s+Duration: (?P<duration>[\d.]+) ms\s+Billed Duration: "
    r"(?P<billedDuration>[\d.]+) ms\s+Memory Size: (?P<memorySize>\d+) MB\s+Max Memory Used: (?P<maxMemoryUsed>\d+) MB"
)
_BYTES = ("memorySize", "maxMemoryUsed")
_TYPED = re.compile(r"(?P<type>START|END|REPORT) RequestId: (?P<requestId>\S+)")
TIMES = ("@timestamp", "@ingestionTime")
"""Fields that are shown as times."""


class Row:
    """A row: fields that commands have set, and those of a log event, which are found when they are needed."""

    __slots__ = ("_discovered", "fields")

    def __init__(self, fields: dict[str, Value]) -> None:
        self.fields = fields
        self._discovered: Any = None

    @property
    def size(self) -> int:
        """Return the number of characters of the row's texts."""
        return sum(len(value) for value in self.fields.values() if isinstance(value, str))

    def get(self, name: str) -> Value:
        """Return a field's value, or None."""
        if name in self.fields:
            return self.fields[name]
        message = self.fields.get("@message")
        if not isinstance(message, str):
            return None
        if self._discovered is None:
            self._discovered = _discovered(message)
        found = self._discovered
        if name in found:
            return _scalar(found[name])
        for part in name.split("."):
            if isinstance(found, dict) and part in found:
                found = found[part]
            elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            else:
                return None
        return _scalar(found)


def _discovered(message: str) -> Any:
    """Return the fields that a line contains as JSON, or those of a platform line of Lambda."""
    if message.lstrip().startswith("{"):
        try:
            return orjson.loads(message)
        except ValueError:
            return {}
    typed = _TYPED.match(message)
    if typed is None:
        return {}
    found: dict[str, Value] = {f"@{name}": text for name, text in typed.groupdict().items()}
    if report := _REPORT.match(message):
        for name, text in report.groupdict().items():
            if name != "requestId":
                found[f"@{name}"] = float(text) * (1e6 if name in _BYTES else 1)
    return found


def _scalar(value: Any) -> Value:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


def number(value: Value) -> float | None:
    """Return a value as a number, or None if it is none."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else None


def text(value: Value) -> str:
    """Return a value as results show it: whole numbers without a point, and truth values as numbers."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def time_text(milliseconds: float) -> str:
    """Return a time as results show it: `2026-01-31 09:30:00.000`."""
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return text(milliseconds)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def is_true(value: Value) -> bool:
    """Return True if a condition's value counts as true."""
    return value not in (None, "", 0, False, "0", "false")


def order_key(value: Value) -> tuple[int, float, str]:
    """Return a key that sorts numbers before texts, and missing values first."""
    if value is None:
        return 0, 0.0, ""
    found = number(value)
    return (2, 0.0, text(value)) if found is None else (1, found, "")
