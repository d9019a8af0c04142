"""Paging of lists, with opaque tokens.

A list that is in memory is paged by position (`page`). A query continues after the last row of the previous page
(`query_page`, `read_key`), so that its cost does not grow with the position. A token encodes a key: the position, or
the values of the last row that determine its place in the list. Each service has its own error for invalid tokens.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, TypeAlias, TypeVar

import orjson

from scones.cloud.errors import ServiceError

T = TypeVar("T")
KeyValue: TypeAlias = str | float
"""A value of a key: a text or a number."""
_LARGEST_INTEGER = 2**63 - 1
"""Largest integer in SQLite."""


def page(items: Sequence[T], token: str | None, size: int, refusal: ServiceError) -> tuple[list[T], str | None]:
    """Return the items of one page of at most `size` items, and the next page's token or None.

    Raises `refusal`, the service's error, if the token is invalid.
    """
    begin = position(token, refusal)
    end = begin + size
    return list(items[begin:end]), key_token(end) if end < len(items) else None


def position(token: str | None, refusal: ServiceError) -> int:
    """Return the position that a token encodes, 0 without a token; raises `refusal` if the token is invalid."""
    if not token:
        return 0
    (found,) = read_key(token, [int], refusal)
    if found < 0:
        raise refusal
    return int(found)


def query_page(rows: Sequence[T], size: int, key: Callable[[T], Sequence[KeyValue]]) -> tuple[list[T], str | None]:
    """Return a page of at most `size` rows, and the next page's token or None; the query had a limit of `size` + 1."""
    found = list(rows[:size])
    return found, key_token(*key(found[-1])) if len(rows) > size else None


def key_token(*key: KeyValue) -> str:
    """Return the token for a key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode()


def read_key(token: str, types: Sequence[type | UnionType], refusal: ServiceError) -> list[Any]:
    """Return the key that a token encodes; raises `refusal` unless its values have the given types."""
    try:
        key = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except ValueError:
        raise refusal from None
    if not isinstance(key, list) or len(key) != len(types):
        raise refusal
    if not all(isinstance(value, kind) for value, kind in zip(key, types, strict=True)):
        raise refusal
    if any(isinstance(value, int) and value > _LARGEST_INTEGER for value in key):
        raise refusal
    return key
