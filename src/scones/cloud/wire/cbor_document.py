"""CBOR bodies, parsed with limits on their contents."""

from __future__ import annotations

import io
from typing import Any

import cbor2

NESTING = 100
"""Maximum nesting of maps and arrays; the parameters of services that use CBOR nest less than ten levels."""
SLICE = 4 << 10
"""Bytes that the decoder reads at once, so that other threads can run in between."""
EPOCH_TIME = 1
"""Tag of a time in seconds since 1970."""


class _Reader(io.BytesIO):
    """A body. Its `read` is Python code, so that the interpreter can switch threads there."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, up to `size`."""
        return super().read(size)


def load(body: bytes) -> Any:
    """Return a CBOR document; times are datetimes. Raises `ValueError`."""
    decoder = cbor2.CBORDecoder(_Reader(body), read_size=SLICE, max_depth=NESTING, strict_hashable_types=True)
    try:
        return decoder.decode()
    except cbor2.CBORDecodeError as error:
        raise ValueError(f"the body is not valid CBOR: {error}") from error


def dump(document: Any) -> bytes:
    """Write a CBOR document; a time is an `EPOCH_TIME` tag."""
    return cbor2.dumps(document)
