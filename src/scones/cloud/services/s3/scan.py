"""Loose index scans over keys: a common prefix costs one look-up, no matter how many keys start with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scones.cloud.core.text_order import Bound, successor

Seek = Callable[[Bound], Iterator[sqlite3.Row]]
"""A function that returns the rows from a key on, ordered by key and read one by one."""


@dataclass(frozen=True, slots=True)
class ListingEntry:
    """One entry of a listing: a key with its row, or a common prefix without a row."""

    name: str
    row: sqlite3.Row | None


def listing_entries(
    rows: Iterator[sqlite3.Row], seek: Seek, prefix: str, delimiter: str, limit: int
) -> list[ListingEntry]:
    """Return up to `limit` entries for rows whose keys start with `prefix`; an empty delimiter groups nothing.

    After each common prefix, the scan jumps to the next key that does not start with it.
    """
    found: list[ListingEntry] = []
    while len(found) < limit and (row := next(rows, None)) is not None:
        key: str = row["key"]
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            found.append(ListingEntry(key, row))
            continue
        shared = key[: cut + len(delimiter)]
        found.append(ListingEntry(shared, None))
        rows = seek(successor(shared))
    return found


def start_after(prefix: str, delimiter: str, marker: str, *, whole_prefix: bool = True) -> Bound:
    """Return the smallest key after a marker, or after all keys with its common prefix.

    If `whole_prefix` is false, the latter applies only to a marker that is itself a common prefix.
    """
    cut = marker.find(delimiter, len(prefix)) if delimiter and marker.startswith(prefix) else -1
    if cut >= 0 and (whole_prefix or cut + len(delimiter) == len(marker)):
        return successor(marker[: cut + len(delimiter)])
    return marker + "\0" if marker else ""


def later(one: Bound, other: Bound) -> Bound:
    """Return the later of two positions."""
    if isinstance(one, bytes) or isinstance(other, bytes):
        return b""
    return max(one, other)
