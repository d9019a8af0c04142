"""Deletion of many rows in slices, so that other writes are not held up."""

from __future__ import annotations

from typing import Any

from scones.cloud.core.store import Store

ROWS_PER_WRITE = 2000
"""Rows deleted in one write; each takes some milliseconds, during which other writes wait."""


async def delete_all(store: Store, table: str, condition: str, *parameters: Any) -> None:
    """Delete the rows of a table that meet a condition.

    The table needs rowids, and the condition should use an index. A crash during the deletion leaves some of the rows.
    """
    sql = f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {condition} LIMIT ?)"  # noqa: S608
    while await store.execute(sql, *parameters, ROWS_PER_WRITE) == ROWS_PER_WRITE:
        pass
