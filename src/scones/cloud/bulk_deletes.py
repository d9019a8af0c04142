"""Deleting many rows without holding up other writes: a slice at a time."""

from __future__ import annotations

from typing import Any

from scones.cloud.store import Store

SLICE = 2000
"""Rows of one write: some milliseconds, in which nobody else writes."""


async def delete_all(store: Store, table: str, condition: str, *parameters: Any) -> None:
    """Delete the rows of a table (one with rowids) that meet a condition, which an index should serve.

    After a crash in between, a part of the rows is left.
    """
    sql = f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {condition} LIMIT ?)"  # noqa: S608
    while await store.execute(sql, *parameters, SLICE) == SLICE:
        pass
