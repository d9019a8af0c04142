"""JSON as Step Functions writes it: compact, UTF-8, and an execution's own input letter for letter."""

from __future__ import annotations

import json
import re
from typing import Any

from scones.cloud.surrogates import well_formed

LIMIT = 256 * 1024
"""Bytes of UTF-8 that an input, an output or a result may have."""
MAX_DEPTH = 200
"""Levels of nesting that a definition, an input or a result may have; AWS's limit is not known to us."""
_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPED_BYTES = re.compile(rb"\\u[dD][89a-fA-F]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NESTED = re.compile(rb"(\[+)(\]*)")
_INNER_LEVELS = 4
"""Levels of nesting that are removed before the others are counted: most values are in them."""
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def dumps(value: Any) -> str:
    """Return compact, well-formed JSON; text stays UTF-8."""
    return well_formed(_ENCODE(value))


def read_json(text: str | bytes) -> Any:
    """Parse JSON; an unpaired surrogate (`"\\ud800"`) is read as "?"."""
    value = json.loads(text)
    escaped = _ESCAPED.search(text) if isinstance(text, str) else _ESCAPED_BYTES.search(text)
    return json.loads(dumps(value)) if escaped else value


def too_deep(text: str) -> bool:
    """Return True if a JSON text nests deeper than `MAX_DEPTH`."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub("", text).encode(errors="surrogatepass").translate(_ALIKE, _NO_BRACKETS)
    most = MAX_DEPTH
    for _ in range(_INNER_LEVELS):
        inner = brackets.replace(b"[]", b"")
        if len(inner) == len(brackets):
            break
        brackets, most = inner, most - 1
    depth = 0
    for opening, closing in _NESTED.findall(brackets):
        depth += len(opening)
        if depth > most:
            return True
        depth -= len(closing)
    return False


def too_large(text: str) -> bool:
    """Whether a JSON text exceeds Step Functions' payload limit."""
    length = len(text)
    return length > LIMIT or (length * 4 > LIMIT and len(text.encode("utf-8", "surrogatepass")) > LIMIT)


def loads(text: str) -> Any:
    """Parse JSON; raise ValueError where it is invalid or nests deeper than `MAX_DEPTH`."""
    if too_deep(text):
        raise ValueError(f"The JSON is nested deeper than {MAX_DEPTH} levels")
    return read_json(text)


class Texts:
    """The JSON text of values, where the execution's input is written as the caller wrote it.

    AWS hands an input on as text for as long as no state changes it, so blanks in it reach the history; Parallel
    joins the texts of its branches.
    """

    def __init__(self, text: str) -> None:
        self.root: Any = read_json(text)
        self._text = text
        self._verbatim = isinstance(self.root, (dict, list)) and dumps(self.root) != text

    def of(self, value: Any) -> str:
        """Return the text of a value."""
        if not self._verbatim:
            return dumps(value)
        if value is self.root:
            return self._text
        if isinstance(value, list):
            return "[" + ",".join(self.of(item) for item in value) + "]"
        return dumps(value)
