"""Loose index scans over keys: a common prefix costs one look-up, however many keys begin with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scones.cloud.text_order import Bound, successor

Seek = Callable[[Bound], Iterator[sqlite3.Row]]
"""Return the rows from a key on, ordered by key and read one by one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing: a key with its row, or a common prefix without one."""

    name: str
    row: sqlite3.Row | None


def entries(rows: Iterator[sqlite3.Row], seek: Seek, prefix: str, delimiter: str, limit: int) -> list[Entry]:
    """Return up to `limit` entries of rows whose keys begin with `prefix`; an empty delimiter groups nothing.

    Behind each common prefix the scan jumps to the next key that does not begin with it.
    """
    found: list[Entry] = []
    while len(found) < limit and (row := next(rows, None)) is not None:
        key: str = row["key"]
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            found.append(Entry(key, row))
            continue
        shared = key[: cut + len(delimiter)]
        found.append(Entry(shared, None))
        rows = seek(successor(shared))
    return found


def start_behind(prefix: str, delimiter: str, marker: str) -> Bound:
    """Return the least key behind a marker; a marker that is a common prefix stands for all keys that begin with it."""
    cut = marker.find(delimiter, len(prefix)) if delimiter and marker.startswith(prefix) else -1
    if cut >= 0 and cut + len(delimiter) == len(marker):
        return successor(marker)
    return marker + "\0" if marker else ""


def later(one: Bound, other: Bound) -> Bound:
    """Return the later of two positions."""
    if isinstance(one, bytes) or isinstance(other, bytes):
        return b""
    return max(one, other)
