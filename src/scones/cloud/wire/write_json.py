"""Writing of JSON documents."""

from __future__ import annotations

import json

import orjson

from scones.cloud.core.surrogates import well_formed
from scones.cloud.core.time_slices import on_thread, sliced_on_thread
from scones.cloud.wire.members import Members, MemberValue


def dump(document: Members) -> bytes:
    """Write a JSON document; on a thread in pieces, because orjson holds the interpreter lock for 6 ms per megabyte."""
    if not on_thread():
        return _dump_at_once(document)
    members = [_dump_at_once(name) + b":" + _dump_member(value) for name, value in document.items()]
    return b"{" + b",".join(members) + b"}"


def _dump_member(value: MemberValue) -> bytes:
    if not isinstance(value, list):
        return _dump_at_once(value)
    return b"[" + b",".join([_dump_at_once(item) for item in sliced_on_thread(value)]) + b"]"


def _dump_at_once(document: MemberValue) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # integers beyond 64 bits, more than 254 nesting levels, unpaired surrogates
        return well_formed(json.dumps(document, separators=(",", ":"), ensure_ascii=False)).encode()
