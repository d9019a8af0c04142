"""Version IDs: 32 characters that contain a version's position among the versions of its key, and a checksum.

The checksum distinguishes an ID that was never issued, which S3 refuses, from the ID of a deleted version.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib

NULL = "null"
"""ID of the version that a bucket without versioning, or with suspended versioning, writes."""
LAST_POSITION = 2**63 - 1
"""Largest integer in SQLite."""
_LENGTH = 32
_ALTERNATIVES = b"._"
"""The last two characters of the alphabet, in place of those of base64."""


def new_version_id(position: int) -> str:
    """Return a new ID for the version at a position."""
    noise = os.urandom(12)
    hidden = (position ^ _mask(noise)).to_bytes(8)
    return base64.b64encode(noise + hidden + _check(noise + hidden), _ALTERNATIVES).decode()


def issued(version: str) -> str | None:
    """Return a version ID, or None for the null version, which responses to PutObject do not mention."""
    return None if version == NULL else version


def position_of(version: str) -> int | None:
    """Return the position in a version ID, or None for an ID that was never issued, such as `null`."""
    if len(version) != _LENGTH:
        return None
    try:
        content = base64.b64decode(version, _ALTERNATIVES, validate=True)
    except ValueError:
        return None
    noise, hidden, check = content[:12], content[12:20], content[20:]
    if check != _check(noise + hidden):
        return None
    position = int.from_bytes(hidden) ^ _mask(noise)
    return position if position <= LAST_POSITION else None


def _mask(noise: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(noise, digest_size=8).digest())


def _check(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4)
