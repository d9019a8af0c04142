"""The size of a text, which AWS's limits count in bytes of UTF-8."""

from __future__ import annotations


def utf8_size(text: str) -> int:
    """Return the number of bytes of a text in UTF-8; an ASCII text is not encoded for this."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
