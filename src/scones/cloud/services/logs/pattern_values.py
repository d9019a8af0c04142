"""Comparisons of values in JSON and column patterns."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from scones.cloud.core.expressions import RegularExpression, RegularExpressionError
from scones.cloud.core.wildcards import Wildcard
from scones.cloud.services.logs.errors import invalid

Value: TypeAlias = str | float | bool | None
"""A value that is not a list or an object."""
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ALLOWED = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.]*")
"""Characters that a regular expression can use; AWS does not allow parentheses."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison with a text that can contain stars, with a number, or with a regular expression."""

    operation: str
    expected: Wildcard | float | RegularExpression

    def holds_for(self, value: Value) -> bool:
        """Return True if a value meets the comparison; lines contain numbers as texts."""
        if self.operation in _ORDER:
            number = number_of(value)
            assert isinstance(self.expected, float)
            return number is not None and _ORDER[self.operation](number, self.expected)
        return self._equals(value) is (self.operation == "=")

    def _equals(self, value: Value) -> bool:
        if isinstance(self.expected, float):
            return number_of(value) == self.expected
        text = text_of(value)
        if isinstance(self.expected, Wildcard):
            return self.expected.matches(text)
        return self.expected.matches_in(text)


def comparison(operation: str, text: str, *, quoted: bool) -> Comparison:
    """Return a comparison with what a pattern contains after the operator; raises `ServiceError`."""
    if operation in _ORDER:
        if not _NUMBER.fullmatch(text) or quoted:
            raise invalid("Invalid metric filter pattern")
        return Comparison(operation, float(text))
    if not quoted and is_expression(text):
        return Comparison(operation, compiled(text))
    if not quoted and _NUMBER.fullmatch(text):
        return Comparison(operation, float(text))
    first, *others = text.split("*")
    wildcard = Wildcard(first, tuple(filter(None, others[:-1])), others[-1]) if others else Wildcard(first, (), None)
    return Comparison(operation, wildcard)


def number_of(value: Value) -> float | None:
    """Return a number, or the number that a text contains, or None."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def text_of(value: Value) -> str:
    """Return a value as text: numbers and truth values as JSON has them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def is_expression(term: str) -> bool:
    """Return True if a term is a regular expression between percent signs."""
    return len(term) > 2 and term[0] == term[-1] == "%"


def compiled(term: str) -> RegularExpression:
    """Return the regular expression between percent signs; raises `ServiceError` (InvalidParameterException)."""
    if not _ALLOWED.fullmatch(term[1:-1]):
        raise invalid(
            f"Invalid filter pattern: {term} contains characters that are not allowed in regular expressions."
        )
    try:
        return RegularExpression(term[1:-1])
    except RegularExpressionError as error:
        raise invalid(f"Invalid filter pattern: {term}: {error}") from error
