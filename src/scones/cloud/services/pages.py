"""Lists that are given in pages, with opaque tokens that carry where the next page begins."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TypeVar

from scones.cloud.errors import ServiceError

T = TypeVar("T")
_POSITION = re.compile(rb"[0-9]{1,9}")
_TOKEN = re.compile(r"[A-Za-z0-9+/]{2,12}={0,2}")


def page(items: Sequence[T], token: str | None, size: int, refusal: ServiceError) -> tuple[list[T], str | None]:
    """Return the items of one page, and the token of the next page or None.

    Raises `refusal`, the service's error, for a token that no list has given.
    """
    begin = position(token, refusal)
    end = begin + size
    return list(items[begin:end]), token_at(end) if end < len(items) else None


def position(token: str | None, refusal: ServiceError) -> int:
    """Return the position that a token stands for, 0 without a token; raises `refusal`."""
    if not token:
        return 0
    try:
        decoded = base64.b64decode(token, validate=True) if _TOKEN.fullmatch(token) else b""
    except ValueError:
        decoded = b""
    if not _POSITION.fullmatch(decoded):
        raise refusal
    return int(decoded)


def token_at(position: int) -> str:
    """Return the token that stands for a position."""
    return base64.b64encode(b"%d" % position).decode()
