"""JSON as Step Functions writes it: compact, UTF-8, and an execution's own input letter for letter."""

from __future__ import annotations

import json
from typing import Any

LIMIT = 256 * 1024
"""Bytes of UTF-8 that an input, an output or a result may have."""


def dumps(value: Any) -> str:
    """Return compact JSON; text stays UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def too_large(text: str) -> bool:
    """Whether a JSON text exceeds Step Functions' payload limit."""
    length = len(text)
    return length > LIMIT or (length * 4 > LIMIT and len(text.encode("utf-8", "surrogatepass")) > LIMIT)


class Texts:
    """The JSON text of values, where the execution's input is written as the caller wrote it.

    AWS hands an input on as text for as long as no state changes it, so blanks in it reach the history; Parallel
    joins the texts of its branches.
    """

    def __init__(self, text: str) -> None:
        self.root: Any = json.loads(text)
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
