"""Ranges of texts in code point order, which is SQLite's order."""

from __future__ import annotations

Bound = str | bytes
"""A position in the order of texts: each text comes before the empty blob, which marks the end."""


def successor(text: str) -> Bound:
    """Return the smallest text after all texts with a prefix, or the empty blob if there is none."""
    while text:
        code = ord(text[-1]) + 1
        if code <= 0x10FFFF:
            return text[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)
        text = text[:-1]
    return b""
