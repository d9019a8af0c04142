"""Answers as streams of events: AWS's binary framing, `application/vnd.amazon.eventstream`.

A message is its length and that of its headers, a checksum of the two, headers, a payload and a checksum of all.
"""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import AsyncIterator, Mapping
from typing import Any

from botocore.model import StructureShape

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
"""The type of a header's value."""


async def encoded(
    events: AsyncIterator[Mapping[str, Mapping[str, Any]]], shape: StructureShape
) -> AsyncIterator[bytes]:
    """Yield the messages of events; each is a mapping of the event's name, a member of `shape`, to its members.

    An event's members are bytes, the event's payload, or JSON's types.
    """
    async for event in events:
        for name, members in event.items():
            yield _event(name, members, shape.members[name])


def _event(name: str, members: Mapping[str, Any], shape: Any) -> bytes:
    whole = next((member for member, of in shape.members.items() if of.serialization.get("eventpayload")), None)
    if whole is None:
        kind, payload = "application/json", json.dumps(members, ensure_ascii=False).encode()
    else:
        kind, payload = "application/octet-stream", members[whole]
    return message({":message-type": "event", ":event-type": name, ":content-type": kind}, payload)


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one message with headers of text."""
    packed = b"".join(_header(name, text) for name, text in headers.items())
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    framed = prelude + struct.pack(">I", crc32(prelude)) + packed + payload
    return framed + struct.pack(">I", crc32(framed))


def _header(name: str, text: str) -> bytes:
    key, value = name.encode(), text.encode()
    return bytes([len(key)]) + key + struct.pack(">BH", _STRING, len(value)) + value
