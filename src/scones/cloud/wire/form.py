"""Parameters of the Query protocol: a form's nested names, parsed into a tree."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from scones.cloud.errors import ServiceError
from scones.cloud.wire import numbers
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model import wire_name
from scones.cloud.wire.scalars import scalar

FIELDS = 20_000
"""Maximum number of fields in a form."""
MAX_DEPTH = 32
"""Maximum number of parts of a field's name, separated by dots."""
INDEX = (1 << 31) - 1

_BARE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")

Form = Mapping[str, Sequence[str]]
Node = dict[str | None, Any]
"""The fields below a name, by the next part of their names; the key None holds the name's own value."""


def fields_of(body: bytes) -> dict[str, list[str]]:
    """Return a form's fields; raises `ServiceError` if there are too many."""
    if body.count(b"&") >= FIELDS:
        raise ServiceError("MalformedQueryString", f"The request has more than {FIELDS} parameters.", 404)
    found: dict[str, list[str]] = {}
    for part in body.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            found.setdefault(_unquoted(name), []).append(_unquoted(value))
    return found


def _unquoted(quoted: bytes) -> str:
    """Decode a name or value with the MIME decoder: 1 ms for a megabyte, whereas `urllib` takes 0.1 s."""
    if b"+" in quoted:
        quoted = quoted.replace(b"+", b" ")
    if b"%" in quoted:
        whole = _BARE_PERCENT.sub(b"%25", quoted)
        quoted = binascii.a2b_qp(whole.replace(b"=", b"%3D").replace(b"%", b"="))
    return quoted.decode("utf-8", "replace")


def structure(form: Form, shape: StructureShape) -> Members:
    """Return an operation's parameters; raises `ValueError` for a form that does not fit the model."""
    return _structure(_tree((name, values[0]) for name, values in form.items()), shape)


def _tree(fields: Iterable[tuple[str, str]]) -> Node:
    root: Node = {}
    for name, value in fields:
        node = root
        parts = name.split(".", MAX_DEPTH)
        if len(parts) > MAX_DEPTH:
            raise ValueError(f"the name {numbers.shorten(name)} has too many parts")
        for part in parts:
            node = node.setdefault(part, {})
        node[None] = value
    return root


def _structure(node: Node, shape: StructureShape) -> Members:
    found: Members = {}
    for member, member_shape in shape.members.items():
        name = wire_name(shape, member)
        if name in node and (value := _value(node[name], member_shape, name)) is not None:
            found[member] = value
    return found


def _value(node: Node, shape: Shape, name: str) -> MemberValue:
    if not isinstance(shape, StructureShape | ListShape | MapShape):
        if len(node) > 1 or None not in node:
            raise ValueError(f"{name} is not a {shape.type_name}")
        return scalar(node[None], shape)
    if node.get(None):
        raise ValueError(f"{name} is not a {shape.type_name}")
    if isinstance(shape, StructureShape):
        return _structure(node, shape) if len(node) > (None in node) else None
    if isinstance(shape, ListShape):
        return _list(node, shape, name)
    return _map(node, shape, name)


def _item(node: Node, shape: Shape, name: str) -> MemberValue:
    """Return a list item or map value; one without members, such as `X.member.1=`, is empty."""
    value = _value(node, shape, name)
    return value if value is not None else [] if isinstance(shape, ListShape) else {}


def _list(node: Node, shape: ListShape, name: str) -> list[MemberValue] | None:
    if not shape.serialization.get("flattened"):
        if node.get(None) == "":
            return []
        node = node.get(shape.member.serialization.get("name", "member"), {})
    return [_item(item, shape.member, f"{name}.{index}") for index, item in _items(node, name)] or None


def _map(node: Node, shape: MapShape, name: str) -> Members | None:
    if not shape.serialization.get("flattened"):
        node = node.get("entry", {})
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    found: Members = {}
    for index, item in _items(node, name):
        if key_name not in item or value_name not in item:
            raise ValueError(f"{name}.{index} is missing {key_name} or {value_name}")
        key = _value(item[key_name], shape.key, f"{name}.{index}.{key_name}")
        found[key] = _item(item[value_name], shape.value, f"{name}.{index}.{value_name}")
    return found or None


def _items(node: Node, name: str) -> list[tuple[int, Node]]:
    """Return a list's items, sorted by index."""
    try:
        return sorted(
            (numbers.unsigned_integer(index, INDEX), item) for index, item in node.items() if index is not None
        )
    except TypeError as error:  # two indices are equal, such as 1 and 01
        raise ValueError(f"{name} has a duplicate index") from error
