"""Wildcards: `*` stands for any text; patterns are matched in linear time.

Step Functions' StringMatches and the event patterns of EventBridge, SNS and Lambda share this notation. As a regular
expression, `.*a.*a.*b` takes exponential time in a backtracking engine. Here each literal segment is searched once,
after the segment before it. The leftmost match of each segment leaves the most text for the remaining ones, so
backtracking is never needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ANY_TEXT = "*"
_ESCAPED = ("\\*", "\\\\")
_SEARCHED = 500
_PART = re.compile(r"\\[*\\]|\*|[^*\\]+|\\")


class WildcardError(ValueError):
    """The wildcard pattern is not allowed in event patterns."""


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The literal segments of a pattern: before the first star, between stars, and after the last star."""

    first: str
    middle: tuple[str, ...]
    last: str | None
    """None for a pattern without stars."""

    def matches(self, text: str) -> bool:
        """Return True if the pattern matches the complete text."""
        last = self.last
        if last is None:
            return text == self.first
        begin, end = len(self.first), len(text) - len(last)
        if begin > end or not text.startswith(self.first) or not text.endswith(last):
            return False
        for segment in self.middle:
            found = text.find(segment, begin, end)
            if found < 0:
                return False
            begin = found + len(segment)
        return True


def parse_wildcard(pattern: str) -> Wildcard:
    """Parse a pattern: a backslash makes a following star or backslash literal; elsewhere it is literal itself."""
    segments: list[list[str]] = [[]]
    for part in _PART.findall(pattern):
        if part == ANY_TEXT:
            segments.append([])
        else:
            segments[-1].append(part[1:] if part in _ESCAPED else part)
    first, *others = ("".join(parts) for parts in segments)
    if not others:
        return Wildcard(first, (), None)
    return Wildcard(first, tuple(filter(None, others[:-1])), others[-1])  # consecutive stars are equivalent to one


def check_wildcard(pattern: str) -> None:
    """Raise `WildcardError` for consecutive stars and for invalid escapes, which event patterns do not allow.

    The messages are those of event-ruler, the library behind EventBridge, which counts bytes from an opening quote.
    """
    data = f'"{pattern}"'.encode()
    position = 0
    while position < len(data):
        pair = data[position : position + 2]
        if pair == b"**":
            raise WildcardError(f"Consecutive wildcard characters at pos {position}")
        if pair[:1] == b"\\":
            if pair not in (b"\\\\", b"\\*"):
                raise WildcardError(f"Invalid escape character at pos {position}")
            position += 1
        position += 1


def complexity(pattern: str, limit: int) -> int:
    """Return the maximum number of a pattern's beginnings that match one text, or `limit` if there are more.

    event-ruler calls this the complexity of a wildcard. `a*bb` has the beginnings `a*`, `a*b` and `a*bb`, which all
    match the text `abb`: its complexity is 3. The search ends after `_SEARCHED` sets of beginnings.
    """
    symbols: list[str | None] = []  # None for a star
    for part in _PART.findall(pattern):
        symbols += [None] if part == ANY_TEXT else list(part[1:] if part in _ESCAPED else part)
    first = _with_stars(symbols, {0})
    seen, waiting, found = {first}, [first], 0
    while waiting and len(seen) < _SEARCHED:
        lengths = waiting.pop()
        found = max(found, len(lengths - {0}))
        if found >= limit:
            return limit
        after_star = {length for length in lengths if length and symbols[length - 1] is None}
        unfinished = [length for length in lengths if length < len(symbols)]
        for symbol in {symbols[length] for length in unfinished} - {None}:
            longer = {length + 1 for length in unfinished if symbols[length] == symbol}
            following = _with_stars(symbols, after_star | longer)
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return found


def _with_stars(symbols: list[str | None], lengths: set[int]) -> frozenset[int]:
    """Return lengths of beginnings, and those of the beginnings with a following star, which matches the empty text."""
    starred = {length + 1 for length in lengths if length < len(symbols) and symbols[length] is None}
    return frozenset(lengths | starred)
