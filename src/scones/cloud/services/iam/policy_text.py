"""Patterns and variables in the texts of policies: IAM User Guide, "IAM policy elements: Variables and tags"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

Context = Mapping[str, Sequence[str]]
"""The values of context keys, by key in lower case."""
_VARIABLE = re.compile(r"\$\{\s*([^},\s]+)\s*(?:,\s*'([^']*)'\s*)?\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}
"""Variables that stand for characters with a special meaning."""

Token = str | None
"""A character of a pattern, or one of the two wildcards."""
ANY_TEXT: Token = None
ANY_CHARACTER: Token = ""
_WILDCARDS: Mapping[str, Token] = {"*": ANY_TEXT, "?": ANY_CHARACTER}


def variables_of(text: str) -> Iterator[str]:
    """Yield the context keys that a text contains as variables."""
    for match in _VARIABLE.finditer(text):
        if match[1] not in _LITERALS:
            yield match[1]


class TextPattern:
    """A text with variables, and with the wildcards `*` and `?`, if it has them; values of variables have none."""

    def __init__(self, text: str, context: Context, *, wildcards: bool = True) -> None:
        self._wildcards: Mapping[str, Token] = _WILDCARDS if wildcards else {}
        self._tokens: list[Token] = []
        self._is_undefined = False
        position = 0
        for match in _VARIABLE.finditer(text):
            self._add(text[position : match.start()])
            self._tokens += self._value(match[1], match[2], context)
            position = match.end()
        self._add(text[position:])

    def _add(self, text: str) -> None:
        for character in text:
            token = self._wildcards.get(character, character)
            if token is not ANY_TEXT or self._tokens[-1:] != [ANY_TEXT]:  # one star means the same as several
                self._tokens.append(token)

    def _value(self, key: str, default: str | None, context: Context) -> Sequence[str]:
        if key in _LITERALS:
            return _LITERALS[key]
        values = context.get(key.lower(), ())
        if len(values) == 1:
            return values[0]
        self._is_undefined |= default is None
        return default or ""

    def matches(self, text: str) -> bool:
        """Return True if the pattern matches a whole text; one with a variable without a value matches none."""
        return not self._is_undefined and _matches(self._tokens, text)


def _matches(tokens: Sequence[Token], text: str) -> bool:
    """Match in time proportional to the product of the lengths: only the last `*` is tried again."""
    if sum(each is not ANY_TEXT for each in tokens) > len(text):
        return False
    token, position, star, resumed = 0, 0, -1, 0
    while position < len(text):
        if token < len(tokens) and tokens[token] is ANY_TEXT:
            star, resumed, token = token, position, token + 1
        elif token < len(tokens) and tokens[token] in (ANY_CHARACTER, text[position]):
            token, position = token + 1, position + 1
        elif star >= 0:
            resumed += 1
            token, position = star + 1, resumed
        else:
            return False
    return all(each is ANY_TEXT for each in tokens[token:])
