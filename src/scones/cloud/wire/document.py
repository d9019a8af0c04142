"""Conversion of output members to the values that JSON and CBOR can write."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from typing import Literal

import cbor2
from botocore.model import ListShape, MapShape, Shape, StructureShape

from scones.cloud.core.time_slices import sliced_if_on_thread
from scones.cloud.wire.cbor_document import EPOCH_TIME
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model import wire_name
from scones.cloud.wire.scalar_text import epoch, scalar_text

Format = Literal["json", "cbor"]


@cache
def document_of(shape: Shape, written: Format) -> Callable[[MemberValue], MemberValue]:
    """Return the function that converts a shape's values to the types of a format."""
    if isinstance(shape, StructureShape):
        return _unchanged if shape.is_document_type else _structure(shape, written)
    if isinstance(shape, ListShape):
        return lambda value: list(map(document_of(shape.member, written), sliced_if_on_thread(value)))
    if isinstance(shape, MapShape):
        return lambda value: {key: document_of(shape.value, written)(item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return _time_of(shape, written)
    if shape.type_name == "blob" and written == "json":
        return lambda value: base64.b64encode(value).decode()
    return _unchanged


def _time_of(shape: Shape, written: Format) -> Callable[[MemberValue], MemberValue]:
    if written == "cbor":
        return lambda value: cbor2.CBORTag(EPOCH_TIME, epoch(value))
    form = shape.serialization.get("timestampFormat", "unixTimestamp")
    return epoch if form == "unixTimestamp" else lambda value: scalar_text(value, shape, form)


def _unchanged(value: MemberValue) -> MemberValue:
    return value


def _structure(shape: StructureShape, written: Format) -> Callable[[Members], Members]:
    known: dict[str, tuple[str, Callable[[MemberValue], MemberValue]]] = {}  # filled by use

    def convert(members: Members) -> Members:
        converted = {}
        for name, value in members.items():
            if value is None:
                continue
            if name not in known:
                if name not in shape.members:
                    continue
                known[name] = wire_name(shape, name), document_of(shape.members[name], written)
            member, conversion = known[name]
            converted[member] = value if conversion is _unchanged else conversion(value)
        return converted

    return convert
