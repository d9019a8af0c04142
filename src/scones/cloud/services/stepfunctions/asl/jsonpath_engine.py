"""JSONPath queries that may match several values: python-jsonpath (RFC 9535), adapted to Jayway's syntax.

Only worker processes load this module (`evaluation/`); they limit its time and memory.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2
from jsonpath import CompoundJSONPath, JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.filter import BaseExpression, RegexLiteral
from jsonpath.parse import Parser
from jsonpath.stream import TokenStream

_QUOTED = re.compile(r"""('(?:[^'\\]|\\.?)*+(?:'|\Z)|"(?:[^"\\]|\\.?)*+(?:"|\Z))""", re.DOTALL)
_BARE_WORD = re.compile(r"([=!<>]=|[<>])\s*(?!(?:true|false|null)\b)([A-Za-z_][\w-]*)(?=\s*(?:\)|&&|\|\|))")


class QueryFailedError(Exception):
    """Raised if a query cannot be evaluated on its input."""


class _Parser(Parser):
    """A parser that compiles the patterns of `=~` with RE2, which takes linear time, or with `re` if RE2 cannot."""

    def parse_regex(self, stream: TokenStream) -> BaseExpression:
        literal = super().parse_regex(stream)
        assert isinstance(literal, RegexLiteral)
        pattern = literal.value
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not pattern.flags & re.IGNORECASE
        options.dot_nl = bool(pattern.flags & re.DOTALL)
        try:
            literal.value = re2.compile(pattern.pattern, options)
        except re2.error:
            return literal
        return literal


class _Environment(JSONPathEnvironment):
    parser_class = _Parser


_ENVIRONMENT = _Environment()


@lru_cache(maxsize=1024)
def compile_query(text: str) -> JSONPath | CompoundJSONPath:
    """Compile a query that begins with `$`. Raises ValueError if it is invalid."""
    try:
        return _ENVIRONMENT.compile(_plain(text))
    except (JSONPathError, RecursionError, re.error) as error:
        raise ValueError(f"{text!r} is not a valid JSONPath: {error}") from error


def evaluate(text: str, root: Any) -> list[Any]:
    """Return the values that a query matches; raise `QueryFailedError` if it cannot be evaluated."""
    if isinstance(root, str):  # python-jsonpath would parse it
        return []
    try:
        return [match.value for match in compile_query(text).finditer(root)]
    except (JSONPathError, TypeError, ValueError) as error:
        raise QueryFailedError(str(error)) from error


def _plain(text: str) -> str:
    """Convert two forms that AWS's Jayway parser also accepts: `$.a.[0]`, and words without quotes in filters.

    AWS's samples deploy definitions with both.
    """
    parts = _QUOTED.split(text)
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"(?<!\.)\.\[", "[", _BARE_WORD.sub(r"\1'\2'", parts[index]))
    return "".join(parts)
