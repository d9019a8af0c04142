"""Responses as event streams: AWS's binary framing, `application/vnd.amazon.eventstream`.

A message consists of its length, the length of its headers, a checksum of these two, the headers, a payload and a
checksum of everything before.
"""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import AsyncIterator, Mapping
from functools import cache

from botocore.model import StructureShape

from scones.cloud.wire.members import MemberValue

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
"""Type number of a string header value."""


async def encoded(
    events: AsyncIterator[Mapping[str, Mapping[str, MemberValue]]], shape: StructureShape
) -> AsyncIterator[bytes]:
    """Yield events as messages; each event maps its name, a member of `shape`, to its members.

    An event has either one member of bytes, which is the payload, or members with JSON values.
    """
    async for event in events:
        for name, members in event.items():
            yield _event(name, members, shape.members[name])


@cache
def stream_member(output: StructureShape) -> str | None:
    """Return the name of the output's member that is an event stream, or None."""
    return next((name for name, shape in output.members.items() if shape.serialization.get("eventstream")), None)


async def with_initial_response(
    events: AsyncIterator[Mapping[str, Mapping[str, MemberValue]]], shape: MemberValue
) -> AsyncIterator[bytes]:
    """Yield the message with the other output members, of which there are none, and then the events.

    The JSON protocols begin each event stream with this message.
    """
    headers = {":message-type": "event", ":event-type": "initial-response", ":content-type": "application/json"}
    yield message(headers, b"{}")
    async for framed in encoded(events, shape):
        yield framed


def _event(name: str, members: Mapping[str, MemberValue], shape: MemberValue) -> bytes:
    whole = next((member for member, of in shape.members.items() if of.serialization.get("eventpayload")), None)
    if whole is None:
        kind, payload = "application/json", json.dumps(members, ensure_ascii=False).encode()
    else:
        kind, payload = "application/octet-stream", members[whole]
    return message({":message-type": "event", ":event-type": name, ":content-type": kind}, payload)


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one message with string headers."""
    packed = b"".join(_header(name, text) for name, text in headers.items())
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    framed = prelude + struct.pack(">I", crc32(prelude)) + packed + payload
    return framed + struct.pack(">I", crc32(framed))


def _header(name: str, text: str) -> bytes:
    key, value = name.encode(), text.encode()
    return bytes([len(key)]) + key + struct.pack(">BH", _STRING, len(value)) + value
