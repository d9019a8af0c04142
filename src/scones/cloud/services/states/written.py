"""An input of which every array can be shown as the caller wrote it, blanks included."""

from __future__ import annotations

import json
from typing import Any

from scones.cloud.services.states.text import Texts


class Source(Texts):
    """An input whose arrays can also be shown as they are written in it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        decoder = _Written()
        self.root = decoder.decode(text)
        self._written = decoder.arrays

    def written(self, value: Any) -> str:
        """Return an array as the input has it, blanks included, or the JSON of what is not in the input."""
        return self._written.get(id(value)) or self.of(value)


class _Written(json.JSONDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.arrays: dict[int, str] = {}
        self.parse_array = self._array
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def _array(self, at: tuple[str, int], scan: Any) -> tuple[list[Any], int]:
        text, start = at
        items, end = json.decoder.JSONArray(at, scan)  # type: ignore[attr-defined]
        self.arrays[id(items)] = text[start - 1 : end]
        return items, end
