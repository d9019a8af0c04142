"""Wildcards: `*` stands for any text, matched in linear time.

Step Functions' StringMatches and the event patterns of EventBridge, SNS and Lambda share this notation. Its regular
expression `.*a.*a.*b` takes exponential time in a backtracking engine; here each literal segment is searched once,
behind the segment before it. The leftmost place of each segment leaves the most text for the rest, so that no choice
is ever taken back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ANY = "*"
_ESCAPED = ("\\*", "\\\\")
_PART = re.compile(r"\\[*\\]|\*|[^*\\]+|\\")


class WildcardError(ValueError):
    """A wildcard pattern that event patterns do not allow."""


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The literal segments of a pattern: before the first star, between stars, and behind the last one."""

    first: str
    middle: tuple[str, ...]
    last: str | None
    """None for a pattern without stars."""

    def matches(self, text: str) -> bool:
        """Return True if the pattern matches the whole text."""
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
    """Parse a pattern: a backslash makes a star or a backslash literal, and is literal before anything else."""
    segments: list[list[str]] = [[]]
    for part in _PART.findall(pattern):
        if part == ANY:
            segments.append([])
        else:
            segments[-1].append(part[1:] if part in _ESCAPED else part)
    first, *others = ("".join(parts) for parts in segments)
    if not others:
        return Wildcard(first, (), None)
    return Wildcard(first, tuple(filter(None, others[:-1])), others[-1])  # stars in a row are one


def check_wildcard(pattern: str) -> None:
    """Raise `WildcardError` for what event patterns do not allow: stars in a row, and other uses of a backslash.

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
