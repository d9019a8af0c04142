"""CloudWatch Logs' filter patterns: words, phrases and regular expressions in lines, JSON, and columns.

CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log events, and
Live Tail".
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import re2

from scones.cloud.core.expressions import RegularExpression
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.services.logs.column_patterns import ColumnPattern
from scones.cloud.services.logs.condition_parser import invalid_pattern
from scones.cloud.services.logs.errors import invalid
from scones.cloud.services.logs.json_patterns import JsonPattern
from scones.cloud.services.logs.pattern_values import compiled, is_expression

MAX_EXPRESSIONS = 2
"""Maximum number of regular expressions per pattern. AWS documents this limit for JSON and column patterns only."""
LONG_LINE = 4096
"""Minimum length, in characters, of a line that is matched in time slices, with a pause between terms if needed."""

_TERM = re.compile(r'([?-]?)(?:"([^"]*)"|(\S+))')


class FilterPattern(Protocol):
    """A parsed pattern."""

    async def matches(self, line: str, slices: TimeSlices) -> bool:
        """Return True if a line matches the pattern."""

    def extracted(self, line: str) -> dict[str, str]:
        """Return the values that the pattern names in a line that matches, by selector."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Words and regular expressions with the same sign: none, `-` or `?`."""

    words: tuple[str, ...] = ()
    expressions: tuple[RegularExpression, ...] = ()
    any_word: re2._Regexp | None = None
    """A single expression for more than three words, which searches a line in one pass."""

    async def any_in(self, line: str, slices: TimeSlices) -> bool:
        """Return True if a line contains one of the terms."""
        if len(line) < LONG_LINE:
            if self.any_word is not None:
                found = self.any_word.search(line.encode(errors="replace")) is not None
            else:
                found = any(word in line for word in self.words)
            return found or any(each.matches_in(line) for each in self.expressions)
        async for found in self._each_in(line, slices):
            if found:
                return True
        return False

    async def all_in(self, line: str, slices: TimeSlices) -> bool:
        """Return True if a line contains all terms."""
        if len(line) < LONG_LINE:
            return all(word in line for word in self.words) and all(each.matches_in(line) for each in self.expressions)
        async for found in self._each_in(line, slices):
            if not found:
                return False
        return True

    async def _each_in(self, line: str, slices: TimeSlices) -> AsyncIterator[bool]:
        for word in self.words:
            yield word in line
            if slices.used_up():
                await slices.pause()
        for expression in self.expressions:
            yield expression.matches_in(line)
            if slices.used_up():
                await slices.pause()


@dataclass(frozen=True, slots=True)
class TermPattern:
    """Terms that a line must contain (`required`), must not contain (`excluded`), or needs one of (`optional`)."""

    required: Terms
    excluded: Terms
    optional: Terms

    async def matches(self, line: str, slices: TimeSlices) -> bool:
        """Return True if a line matches the pattern."""
        return (
            await self.required.all_in(line, slices)
            and not await self.excluded.any_in(line, slices)
            and (self.optional == Terms() or await self.optional.any_in(line, slices))
        )

    def extracted(self, line: str) -> dict[str, str]:  # noqa: ARG002
        """Return no values: terms have no names."""
        return {}


def parse_filter_pattern(text: str) -> FilterPattern:
    """Parse a pattern; raises `ServiceError` (InvalidParameterException)."""
    text = text.strip()
    for opening, closing, kind in (("{", "}", JsonPattern), ("[", "]", ColumnPattern)):
        if text.startswith(opening):
            if not text.endswith(closing):
                raise invalid_pattern()
            return kind(text)
    terms = [(sign, quoted or word, bool(word)) for sign, quoted, word in _TERM.findall(text)]
    if sum(unquoted and is_expression(term) for _, term, unquoted in terms) > MAX_EXPRESSIONS:
        raise invalid(f"A filter pattern can have at most {MAX_EXPRESSIONS} regular expressions.")
    return TermPattern(
        *(
            _terms([(term, unquoted) for term_sign, term, unquoted in terms if term_sign == sign])
            for sign in ("", "-", "?")
        )
    )


def _terms(terms: list[tuple[str, bool]]) -> Terms:
    words = tuple(term for term, unquoted in terms if not (unquoted and is_expression(term)))
    expressions = tuple(compiled(term) for term, unquoted in terms if unquoted and is_expression(term))
    any_word = (
        re2.compile(b"|".join(re2.escape(word.encode(errors="replace")) for word in words)) if len(words) > 3 else None
    )
    return Terms(words, expressions, any_word)
