"""Paging of lists, with opaque tokens that encode the start of the next page."""

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
    """Return the items of one page of at most `size` items, and the next page's token or None.

    Raises `refusal`, the service's error, if the token is invalid.
    """
    begin = position(token, refusal)
    end = begin + size
    return list(items[begin:end]), token_at(end) if end < len(items) else None


def position(token: str | None, refusal: ServiceError) -> int:
    """Return the position that a token encodes, 0 without a token; raises `refusal` if the token is invalid."""
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
    """Return the token for a position."""
    return base64.b64encode(b"%d" % position).decode()
