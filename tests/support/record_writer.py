"""A writer of MXNet's RecordIO format, after dmlc-core's recordio.h and MXNet's image_recordio.h."""

from __future__ import annotations

import io
import struct

from PIL import Image

MAGIC = struct.pack("<I", 0xCED7230A)


def record(content: bytes) -> bytes:
    """Frame a record; as the specification requires, split it at every aligned magic number in its content."""
    starts = [at for at in range(0, len(content) - 3, 4) if content[at : at + 4] == MAGIC]
    edges = zip([0, *(at + 4 for at in starts)], [*starts, len(content)], strict=True)
    parts = [content[begin:end] for begin, end in edges]
    last = len(parts) - 1
    flags = [0] if not last else [1, *[2] * (last - 1), 3]
    return b"".join(
        MAGIC + struct.pack("<I", flag << 29 | len(part)) + part + bytes(-len(part) % 4)
        for flag, part in zip(flags, parts, strict=True)
    )


def packed(content: bytes, labels: list[float], identity: int = 0) -> bytes:
    """Frame an image as im2rec does: a single label in the header, several labels after it."""
    if len(labels) == 1:
        return record(struct.pack("<IfQQ", 0, labels[0], identity, 0) + content)
    header = struct.pack("<IfQQ", len(labels), 0, identity, 0)
    return record(header + struct.pack(f"<{len(labels)}f", *labels) + content)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
