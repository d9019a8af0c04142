"""The original text of an array in an input: TestState shows a Map's items with the caller's whitespace."""

from __future__ import annotations

import json
from typing import Any


def original_text(text: str, array: list[Any]) -> str | None:
    """Return the original text of an array in a JSON text, or None if it is not there.

    The search takes milliseconds if the text and the array are large.
    """
    decoder = _Decoder()
    decoder.decode(text)
    return next((written for found, written in decoder.arrays if found == array), None)


class _Decoder(json.JSONDecoder):
    """A decoder that records every array with its text."""

    def __init__(self) -> None:
        super().__init__()
        self.arrays: list[tuple[list[Any], str]] = []
        self.parse_array = self._array
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]  # typeshed lacks it

    def _array(self, at: tuple[str, int], scan: Any) -> tuple[list[Any], int]:
        text, start = at
        items, end = json.decoder.JSONArray(at, scan)  # type: ignore[attr-defined]  # typeshed lacks it
        self.arrays.append((items, text[start - 1 : end]))
        return items, end
