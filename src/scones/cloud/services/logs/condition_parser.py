"""Conditions in patterns, joined by `&&`, `||` and parentheses."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from scones.cloud.errors import ServiceError
from scones.cloud.services.logs.errors import invalid

Subject = TypeVar("Subject")
Condition: TypeAlias = Callable[[Subject], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<symbol>&&|\|\||!=|<=|>=|[=<>()])
      | "(?P<quoted>(?:\\.|[^"\\])*)"
      | (?P<expression>%[^%\s]+%)
      | (?P<word>\$(?:\.?\['[^']*'\]|\[(?:\d+|\*)\]|\.[\w@:/-]+)*|[^\s()&|=<>!"]+)
    )""",
    re.VERBOSE,
)
MAX_DEPTH = 32
"""Maximum depth of parentheses."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a pattern; `quoted` is True for a text between quotes."""

    text: str
    quoted: bool = False


class ConditionParser(ABC, Generic[Subject]):
    """Parses conditions; subclasses parse a single one with `single`."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def parse(self) -> Condition[Subject]:
        """Parse the complete text; raises `ServiceError` (InvalidParameterException)."""
        found = self._any()
        if self._at < len(self._tokens):
            raise invalid_pattern()
        return found

    @abstractmethod
    def single(self) -> Condition[Subject]:
        """Parse one condition."""

    def _any(self) -> Condition[Subject]:
        parts = [self._all()]
        while self.accept("||"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda subject: any(part(subject) for part in parts)

    def _all(self) -> Condition[Subject]:
        parts = [self._group()]
        while self.accept("&&"):
            parts.append(self._group())
        return parts[0] if len(parts) == 1 else lambda subject: all(part(subject) for part in parts)

    def _group(self) -> Condition[Subject]:
        if not self.accept("("):
            return self.single()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise invalid_pattern()
        found = self._any()
        if not self.accept(")"):
            raise invalid_pattern()
        self._depth -= 1
        return found

    def accept(self, symbol: str) -> bool:
        """Consume a symbol or word if it is next."""
        if self._at < len(self._tokens) and self._tokens[self._at] == Token(symbol):
            self._at += 1
            return True
        return False

    def next(self) -> Token:
        """Consume the next token; raises `ServiceError` at the end."""
        if self._at >= len(self._tokens):
            raise invalid_pattern()
        self._at += 1
        return self._tokens[self._at - 1]


def invalid_pattern() -> ServiceError:
    """Return the error for a pattern that cannot be parsed."""
    return invalid("Invalid metric filter pattern")


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise invalid_pattern()
        if (quoted := match["quoted"]) is not None:
            found.append(Token(re.sub(r"\\(.)", r"\1", quoted), quoted=True))
        else:
            found.append(Token(match["symbol"] or match["expression"] or match["word"]))
        at = match.end()
    return found
