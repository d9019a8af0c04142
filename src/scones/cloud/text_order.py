"""Ranges of texts in the order of their code points, which is SQLite's."""

from __future__ import annotations

Bound = str | bytes
"""A position among texts: every text comes before the empty blob, which is behind the last one."""


def successor(text: str) -> Bound:
    """Return the least text behind all that begin with this one; the empty blob if there is none."""
    while text:
        code = ord(text[-1]) + 1
        if code <= 0x10FFFF:
            return text[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)
        text = text[:-1]
    return b""
