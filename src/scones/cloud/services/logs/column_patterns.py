"""Filter patterns of columns: `[ip, user, status = 4*, size > 1000]`.

CloudWatch Logs User Guide, "Using filter patterns to match terms in space-delimited log events".
"""

from __future__ import annotations

import re

from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.services.logs.condition_parser import Condition, ConditionParser, invalid_pattern
from scones.cloud.services.logs.pattern_values import comparison

_ELLIPSIS = "..."
_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_COLUMN = re.compile(r'((?:"(?:\\.|[^"\\])*"|[^,"])*)(?:,|$)')
_NAME = re.compile(r"\s*([\w.-]+)")


class ColumnPattern:
    """Names and conditions of the columns of a line; three dots stand for any number of columns."""

    def __init__(self, text: str) -> None:
        self._columns = [_Column(part) for part in _parts(text.strip()[1:-1])]
        ellipses = [number for number, column in enumerate(self._columns) if column.name == _ELLIPSIS]
        if len(ellipses) > 1:
            raise invalid_pattern()
        self._ellipsis = ellipses[0] if ellipses else None
        self.selectors: tuple[str, ...] = tuple(f"${column.name}" for column in self._columns if column.name)

    async def matches(self, line: str, slices: TimeSlices) -> bool:  # noqa: ARG002 - one line is split at once
        """Return True if a line has the columns and meets all conditions."""
        if not self._columns:
            return True
        fields = self._fields(line)
        return fields is not None and all(
            column.condition(value) for column, value in zip(self._columns, fields, strict=True) if column.condition
        )

    def extracted(self, line: str) -> dict[str, str]:
        """Return the values of the columns by `$NAME`."""
        fields = self._fields(line) or []
        named = zip(self._columns, fields, strict=False)
        return {f"${column.name}": value for column, value in named if column.name not in ("", _ELLIPSIS)}

    def _fields(self, line: str) -> list[str] | None:
        """Return a value for each column, "" for the three dots; None if the numbers do not fit."""
        fields = ["".join(found) for found in _FIELD.findall(line)]
        if self._ellipsis is None:
            return fields if len(fields) == len(self._columns) else None
        after = len(self._columns) - self._ellipsis - 1
        if len(fields) < len(self._columns) - 1:
            return None
        return [*fields[: self._ellipsis], "", *fields[len(fields) - after :]]


class _Column:
    """A column's name, and its condition or None."""

    def __init__(self, text: str) -> None:
        text = text.strip()
        self.condition: Condition[str] | None = None
        if text == _ELLIPSIS:
            self.name = text
            return
        found = _NAME.match(text)
        self.name = found[1] if found else ""
        if text and text != self.name:
            self.condition = _ColumnConditions(text).parse()


class _ColumnConditions(ConditionParser[str]):
    """Conditions on one column; each begins with the column's name."""

    def single(self) -> Condition[str]:
        self.next()
        operation, expected = self.next(), self.next()
        if operation.text not in ("=", "!=", "<", "<=", ">", ">="):
            raise invalid_pattern()
        return comparison(operation.text, expected.text, quoted=expected.quoted).holds_for


def _parts(text: str) -> list[str]:
    return [] if not text.strip() else [found for found in _COLUMN.findall(text.strip()) if found.strip()]
