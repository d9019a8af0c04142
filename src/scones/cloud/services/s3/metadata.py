"""User metadata beyond ASCII (User Guide, "Working with object metadata"): decoded and encoded as in RFC 2047."""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Mapping

from scones.cloud.wire.request import unicode_text

_ENCODED = re.compile(r"=\?utf-8\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_NOT_ASCII = re.compile(r"[^\t\n\r\x20-\x7e]")
_NOT_LITERAL = re.compile(rb"[^!-<>@-^`-~]")
"""Bytes that the Q encoding escapes: those outside ASCII, control characters, and its own `=`, `?` and `_`."""


def decoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of a request as it is stored."""
    return {name: _ENCODED.sub(_decode, unicode_text(value)) for name, value in metadata.items()}


def encoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return stored metadata as a response has it: values with other characters than ASCII's are encoded."""
    return {name: _encode(value) for name, value in metadata.items()}


def protected(value: str) -> str:
    """Return a value that `decoded` leaves as this one, even if it looks encoded."""
    return _quoted(value) if _ENCODED.search(value) else value


def _decode(word: re.Match[str]) -> str:
    if word[1] in "qQ":
        return quopri.decodestring(word[2].encode("latin-1", "replace"), header=True).decode("utf-8", "replace")
    try:
        return base64.b64decode(word[2]).decode("utf-8", "replace")
    except ValueError:  # S3 stores bytes that depend on its decoder
        return word[0]


def _encode(value: str) -> str:
    """Encode a value as Q if most of its characters are ASCII, else as B."""
    other = len(_NOT_ASCII.findall(value))
    if not other:
        return value
    if len(value) - other <= other:
        return f"=?UTF-8?B?{base64.b64encode(value.encode('utf-8', 'replace')).decode()}?="
    return _quoted(value)


def _quoted(value: str) -> str:
    text = value.encode("utf-8", "replace")
    escaped = _NOT_LITERAL.sub(lambda byte: b"_" if byte[0] == b" " else b"=%02X" % byte[0][0], text)
    return f"=?UTF-8?Q?{escaped.decode()}?="
