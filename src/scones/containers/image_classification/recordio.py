"""MXNet's RecordIO, as dmlc-core's recordio.h and MXNet's image_recordio.h specify it.

A record consists of one or more parts. Each part is the magic number, 3 bits for its position and 29 bits for its
length, the content, and zeros up to a multiple of 4 bytes, all little-endian. A record is split where it contains the
magic number, which is then left out. An image's record begins with a header of flag, label, id and id2; if the flag is
not 0, it is the number of labels that follow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAGIC = 0xCED7230A
WHOLE, FIRST, MIDDLE, LAST = range(4)
"""Position of a part in its record."""
_PART = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")


class RecordError(ValueError):
    """Invalid RecordIO, or a record without an image; the message completes a sentence about the file or record."""


def records(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the records of a stream; raises `RecordError`."""
    while (record := _record(stream)) is not None:
        yield record


def _record(stream: BinaryIO) -> bytes | None:
    part = _part(stream)
    if part is None:
        return None
    position, content = part
    if position == WHOLE:
        return content
    if position != FIRST:
        raise RecordError("does not begin with its first part")
    parts = [content]
    while position != LAST:
        part = _part(stream)
        if part is None:
            raise RecordError("ends before its last part")
        position, content = part
        if position not in (MIDDLE, LAST):
            raise RecordError("is followed by another record before its last part")
        parts.append(content)
    return MAGIC.to_bytes(4, "little").join(parts)


def _part(stream: BinaryIO) -> tuple[int, bytes] | None:
    head = stream.read(_PART.size)
    if not head:
        return None
    if len(head) < _PART.size:
        raise RecordError("is truncated")
    magic, packed = _PART.unpack(head)
    if magic != MAGIC:
        raise RecordError(f"begins with {head[:4].hex()} instead of RecordIO's magic number")
    position, length = packed >> 29, packed & (1 << 29) - 1
    content = stream.read(length)
    if len(content) < length or len(stream.read(-length % 4)) < -length % 4:
        raise RecordError("is truncated")
    return position, content


def unpack(record: bytes) -> tuple[int, list[float], bytes]:
    """Return an image's id, its labels and its encoded content; raises `RecordError`."""
    if len(record) < _HEADER.size:
        raise RecordError("is shorter than an image header")
    flag, label, number, _ = _HEADER.unpack_from(record)
    end = _HEADER.size + 4 * flag
    if len(record) < end:
        raise RecordError(f"is shorter than its {flag} labels")
    labels = list(struct.unpack_from(f"<{flag}f", record, _HEADER.size)) if flag else [label]
    return number, labels, record[end:]
