"""Tokens of the query language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from scones.cloud.errors import ServiceError

Kind = Literal["name", "number", "string", "regex", "symbol", "end"]
_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
      | (?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)(?P<unit>ms|s|m|h|d|w|mo|q|y)?\b
      | (?P<name>[@A-Za-z_][\w@]*(?:\.[\w@]+)*)
      | `(?P<quoted>[^`]+)`
      | "(?P<double>(?:\\.|[^"\\])*)"
      | '(?P<single>(?:\\.|[^'\\])*)'
      | (?P<symbol>=~|!=|<=|>=|[=<>()\[\],|*/+%^-])
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/((?:\\.|[^/\\\n])+)/")
MAX_TOKENS = 800
"""Maximum number of tokens of a query: chains of operators are evaluated recursively."""
_BEFORE_REGEX = {"like", "=~", "parse"}
"""Words and symbols after which a slash begins a regular expression."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its position in the query."""

    kind: Kind
    text: str
    position: int
    unit: str = ""

    def is_word(self, *words: str) -> bool:
        """Return True if the token is one of some keywords, in any case."""
        return self.kind == "name" and self.text.lower() in words


def malformed(message: str) -> ServiceError:
    """Return the error for a query that cannot be parsed or is not supported."""
    return ServiceError("MalformedQueryException", message)


def tokens(query: str) -> list[Token]:
    """Split a query into tokens; raises `ServiceError` (MalformedQueryException)."""
    found: list[Token] = []
    at = 0
    while at < len(query):
        if query[at] == "/" and _regex_may_follow(found) and (regex := _REGEX.match(query, at)):
            found.append(Token("regex", regex[1], at))
            at = regex.end()
            continue
        match = _TOKEN.match(query, at)
        if match is None:
            raise malformed(f"unexpected symbol found {query[at]} at line {query.count(chr(10), 0, at) + 1}")
        if match["skip"] is None:
            found.append(_token(match, at))
        at = match.end()
    if len(found) > MAX_TOKENS:
        raise malformed(f"The local cloud supports queries of at most {MAX_TOKENS} words and symbols.")
    return [*found, Token("end", "", len(query))]


def _token(match: re.Match[str], at: int) -> Token:
    if match["number"] is not None:
        return Token("number", match["number"], at, match["unit"] or "")
    for group in ("double", "single"):
        if match[group] is not None:
            return Token("string", re.sub(r"\\(.)", r"\1", match[group]), at)
    if match["quoted"] is not None:
        return Token("name", match["quoted"], at)
    return Token("name", match["name"], at) if match["name"] is not None else Token("symbol", match["symbol"], at)


def _regex_may_follow(found: list[Token]) -> bool:
    """Return True if a slash begins a regular expression: after `like`, `=~`, and the field of `parse`."""
    if not found:
        return False
    if found[-1].text.lower() in _BEFORE_REGEX:
        return True
    return len(found) > 1 and found[-2].text.lower() == "parse"
