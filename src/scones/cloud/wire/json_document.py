"""JSON bodies, parsed strictly and with limits on their contents.

Strings of a megabyte and more, which are archives in base64, are cut out before parsing and decoded in slices: copying
50 MB in one step would hold the interpreter lock for too long.
"""

from __future__ import annotations

import binascii
import io
import re
import secrets
from typing import Any

import orjson

VALUES = 250_000
"""Maximum number of values in a document: ten times what any limit of AWS allows, except for metric statistics."""
CONTAINERS = 50_000
"""Maximum number of objects and arrays in a document: PutLogEvents accepts 10,000 events."""
MAX_NESTING = 900
"""Maximum nesting of objects and arrays. EventBridge allows 1,000, but Python's encoder makes a call per level, and
Python limits all nested calls together to 1,000."""
LONG_STRING = 1 << 20
"""Bytes from which a string is cut out, and bytes of the slices in which base64 is decoded."""
MAX_REST = 4 << 20
"""Maximum bytes of a document without its long strings."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MARK = secrets.token_hex(16)


def load(body: bytes) -> Any:
    """Return a JSON document; strings of a megabyte and more are memoryviews of the bytes between the quotes.

    Like AWS's parsers, it rejects NaN, Infinity, unpaired surrogates and encodings other than UTF-8. Integers beyond 64
    bits become floats. Raises `ValueError`.
    """
    if len(body) <= MAX_REST:
        return _parsed(body)
    rest, strings = _cut(body)
    if len(rest) > MAX_REST:
        raise ValueError("the document is too large")
    return _restored(_parsed(rest), strings)


def load_text(text: str) -> Any:
    """Return a JSON document from the text of a parameter or message, such as an event or the input of a filter.

    It has the limits of `load`, and a limit on nesting, so that `json.dumps` can write it. Raises `ValueError`.
    """
    body = text.encode()
    document = _parsed(body)
    if body.count(b"[") + body.count(b"{") > MAX_NESTING and _nesting(document) > MAX_NESTING:
        raise ValueError(f"the document nests more than {MAX_NESTING} objects and arrays")
    return document


def decoded(text: str | memoryview) -> bytes:
    """Return the bytes of a base64 text; raises `ValueError`."""
    if len(text) <= LONG_STRING:
        return binascii.a2b_base64(text, strict_mode=True)
    whole = io.BytesIO()
    for begin in range(0, len(text), LONG_STRING):
        piece = text[begin : begin + LONG_STRING]
        if whole.tell() % 3:  # the previous piece ended with padding
            raise ValueError("the base64 text continues after its padding")
        whole.write(binascii.a2b_base64(piece, strict_mode=True))
    return whole.getvalue()


def _parsed(body: bytes) -> Any:
    if len(body) > CONTAINERS:
        _check_counts(body)
    return orjson.loads(body)


def _nesting(document: Any) -> int:
    """Return the depth to which objects and arrays are nested."""
    depth, level = 0, [document]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
    return depth


def _check_counts(body: bytes) -> None:
    """Reject a document with too many values; strings are skipped only if the quick count with them is too high."""
    if _within_counts(body):
        return
    outside, end = bytearray(), 0
    for number, string in enumerate(_STRING.finditer(body)):
        if number > 2 * VALUES:
            break
        outside += body[end : string.start()]
        end = string.end()
    else:
        outside += body[end:]
        if _within_counts(outside):
            return
    raise ValueError(f"the document has more than {CONTAINERS} objects and arrays, or more than {VALUES} values")


def _within_counts(text: bytes | bytearray) -> bool:
    containers = text.count(b"[") + text.count(b"{")
    return containers <= CONTAINERS and containers + text.count(b",") <= VALUES


def _cut(body: bytes) -> tuple[bytes, list[memoryview]]:
    """Return a document with marks in place of its long strings, and these strings; strings with escapes stay."""
    view, kept, strings = memoryview(body), list[bytes | memoryview](), list[memoryview]()
    done = at = 0
    while (end := body.find(b'"', at + LONG_STRING)) >= 0:
        begin = body.rfind(b'"', at, at + LONG_STRING) + 1
        if begin and body.find(b"\\", begin, end) < 0 and end - begin >= LONG_STRING:
            kept += [view[done:begin], f"{_MARK}{len(strings)}".encode()]
            strings.append(view[begin:end])
            done = end
        at = end
    return b"".join([*kept, view[done:]]), strings


def _restored(value: Any, strings: list[memoryview]) -> Any:
    if isinstance(value, dict):
        return {key: _restored(item, strings) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, strings) for item in value]
    if isinstance(value, str) and value.startswith(_MARK):
        return strings[int(value.removeprefix(_MARK))]
    return value
