"""JSON in Step Functions' form: compact and UTF-8; an execution's input keeps its original text."""

from __future__ import annotations

import json
import re
from typing import Any

from scones.cloud.core.surrogates import well_formed
from scones.cloud.core.text_size import utf8_size

LIMIT = 256 * 1024
"""Maximum size of an input, an output or a result, in bytes of UTF-8."""
MAX_DEPTH = 200
"""Maximum levels of nesting in a definition, an input or a result; AWS's limit is not known."""
_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPED_BYTES = re.compile(rb"\\u[dD][89a-fA-F]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NESTED = re.compile(rb"(\[+)(\]*)")
_INNER_LEVELS = 4
"""Number of innermost levels that are removed before the rest are counted; most brackets are in these levels."""
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
    remaining_depth = MAX_DEPTH
    for _ in range(_INNER_LEVELS):
        inner = brackets.replace(b"[]", b"")
        if len(inner) == len(brackets):
            break
        brackets, remaining_depth = inner, remaining_depth - 1
    depth = 0
    for opening, closing in _NESTED.findall(brackets):
        depth += len(opening)
        if depth > remaining_depth:
            return True
        depth -= len(closing)
    return False


def too_large(text: str) -> bool:
    """Return True if a JSON text exceeds `LIMIT`."""
    return len(text) > LIMIT or utf8_size(text) > LIMIT


def loads(text: str) -> Any:
    """Parse JSON. Raises ValueError if it is invalid or nested deeper than `MAX_DEPTH`."""
    if too_deep(text):
        raise ValueError(f"The JSON is nested deeper than {MAX_DEPTH} levels")
    return read_json(text)


class JsonTexts:
    """The JSON text of values; the execution's input keeps the caller's text.

    AWS passes an input on as text until a state changes it, so its whitespace reaches the history; Parallel joins the
    texts of its branches.
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
