"""The location of a value in a pattern, as the error messages of Jackson's streaming parser tell it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from scones.cloud.core import jackson

Step = str | int
"""A key of an object, or an index of an array."""
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def location_of(text: str, steps: Sequence[Step], *, ended: bool) -> str:
    """Return the location of the value that steps lead to, in a text that is valid JSON.

    That is the position after its first character, because the parser reads texts, arrays and objects no further until
    it needs them. It is the position after the value if that is a number or a literal, or if the value was read to its
    end (`ended`).
    """
    begin = _skip(text, 0)
    for step in steps:
        begin = [value for name, value in _members(text, begin) if name == step][-1]
    _, end = _DECODER.raw_decode(text, begin)
    position = begin + 1 if text[begin] in '"[{' and not ended else end
    found = jackson.JacksonError("", text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))
    return f"\n at {jackson.source_location(text, found)}"


def _members(text: str, begin: int) -> Iterator[tuple[Step, int]]:
    """Yield the key or index of each member of an object or array, and the position at which the member begins."""
    position, number = _skip(text, begin + 1), 0
    while text[position] not in "]}":
        step: Step = number
        if text[begin] == "{":
            step, position = _DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        yield step, position
        _, position = _DECODER.raw_decode(text, position)
        position, number = _skip(text, position), number + 1
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    """Return the position of the next character that is not white space."""
    found = _SPACE.match(text, position)
    assert found is not None
    return found.end()
