"""Writing of output members as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import cache

import orjson
from botocore.model import ListShape, MapShape, Shape, StructureShape

from scones.cloud.core.surrogates import well_formed
from scones.cloud.core.time_slices import on_thread, sliced_if_on_thread, sliced_on_thread
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model import wire_name
from scones.cloud.wire.scalar_text import epoch, scalar_text


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


@cache
def json_of(shape: Shape) -> Callable[[MemberValue], MemberValue]:
    """Return the function that converts a shape's values to JSON types."""
    if isinstance(shape, StructureShape):
        return _as_is if shape.is_document_type else _json_structure(shape)
    if isinstance(shape, ListShape):
        return lambda value: list(map(json_of(shape.member), sliced_if_on_thread(value)))
    if isinstance(shape, MapShape):
        return lambda value: {key: json_of(shape.value)(item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        form = shape.serialization.get("timestampFormat", "unixTimestamp")
        return epoch if form == "unixTimestamp" else lambda value: scalar_text(value, shape, form)
    if shape.type_name == "blob":
        return lambda value: base64.b64encode(value).decode()
    return _as_is


def _as_is(value: MemberValue) -> MemberValue:
    return value


def _json_structure(shape: StructureShape) -> Callable[[Members], Members]:
    known: dict[str, tuple[str, Callable[[MemberValue], MemberValue]]] = {}  # filled by use

    def convert(members: Members) -> Members:
        converted = {}
        for name, value in members.items():
            if value is None:
                continue
            if name not in known:
                if name not in shape.members:
                    continue
                known[name] = wire_name(shape, name), json_of(shape.members[name])
            written, conversion = known[name]
            converted[written] = value if conversion is _as_is else conversion(value)
        return converted

    return convert
