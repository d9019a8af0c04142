"""The child executions of a Map Run on disk: their inputs until they start, then their executions."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from typing import Any

from scones.cloud.core.store import Store
from scones.cloud.services.stepfunctions.execution.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS sfn_map_runs (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, execution TEXT NOT NULL, machine TEXT NOT NULL,
    status TEXT NOT NULL, started REAL NOT NULL, stopped REAL, max_concurrency INTEGER NOT NULL,
    tolerated_count INTEGER, tolerated_percentage REAL, ready INTEGER NOT NULL DEFAULT 0,
    redrives INTEGER NOT NULL DEFAULT 0, redriven REAL
);
CREATE INDEX IF NOT EXISTS sfn_map_runs_execution ON sfn_map_runs (execution, id);
CREATE TABLE IF NOT EXISTS sfn_map_children (
    map_run INTEGER NOT NULL, number INTEGER NOT NULL, items INTEGER NOT NULL, status TEXT NOT NULL,
    input TEXT, execution INTEGER, PRIMARY KEY (map_run, number)
);
CREATE INDEX IF NOT EXISTS sfn_map_children_status ON sfn_map_children (map_run, status, number);
CREATE INDEX IF NOT EXISTS sfn_map_children_execution ON sfn_map_children (execution)
"""
"""`ready` is 1 when all child executions are written. One that waits for a redrive has the status REDRIVE."""

UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
_PAGE = 200
_ENDED_PAGE = 50
"""Children that are read together, with their inputs and outputs of at most 256 KiB each."""
_ENDED = (
    "SELECT c.number, c.items, c.status AS child_status, c.input AS child_input,"
    " (SELECT coalesce(max(r.number), 0) FROM sfn_redrives r WHERE r.execution = c.execution) AS redrives,"
    " e.* FROM sfn_map_children c"
    " LEFT JOIN sfn_executions e ON e.id = c.execution"
    " WHERE c.map_run = ? AND c.status = ? AND c.number > ? ORDER BY c.number LIMIT ?"
)


class ChildExecutions:
    """The child executions of one Map Run, read in pages so that memory does not grow with their number."""

    def __init__(self, store: Store, journal: Journal, run: int) -> None:
        self._store = store
        self._journal = journal
        self._run = run

    async def fill(self, pages: AsyncIterator[list[tuple[str, int]]]) -> int:
        """Write the inputs of all child executions with their numbers of items; return the total number of items."""
        await self._journal.flushed()
        await self._store.execute("DELETE FROM sfn_map_children WHERE map_run = ?", self._run)
        number = total = 0
        async for page in pages:
            rows = [(self._run, number + at, items, text) for at, (text, items) in enumerate(page)]
            number += len(page)
            total += sum(items for _, items in page)
            await self._store.write(_inserting(rows))
        await self._store.execute("UPDATE sfn_map_runs SET ready = 1 WHERE id = ?", self._run)
        return total

    def begun(self) -> Iterator[sqlite3.Row]:
        """Yield the child executions that have started: those that run, and those that wait for a redrive."""
        numbers = self._each(
            "SELECT number FROM sfn_map_children"
            " WHERE map_run = ? AND status IN ('RUNNING', 'REDRIVE') AND number > ? ORDER BY number LIMIT ?"
        )
        for each in numbers:
            row = self._store.row(
                "SELECT c.number, c.items, e.* FROM sfn_map_children c JOIN sfn_executions e ON e.id = c.execution"
                " WHERE c.map_run = ? AND c.number = ?",
                *(self._run, each["number"]),
            )
            if row is not None:
                yield row

    def pending(self) -> Iterator[sqlite3.Row]:
        """Yield the child executions that have not started: number and items."""
        return self._each(
            "SELECT number, items FROM sfn_map_children"
            " WHERE map_run = ? AND status = 'PENDING' AND number > ? ORDER BY number LIMIT ?"
        )

    def input(self, number: int) -> str:
        """Return the input of a child execution that has not started."""
        row = self._store.row("SELECT input FROM sfn_map_children WHERE map_run = ? AND number = ?", self._run, number)
        assert row is not None
        return str(row["input"])

    async def ended(self, status: str) -> AsyncIterator[list[sqlite3.Row]]:
        """Yield pages of child executions with a status, in the order of their items."""
        last = -1
        while page := await self._store.read_on_thread(_ENDED, self._run, status, last, _ENDED_PAGE):
            yield page
            last = page[-1]["number"]

    async def output_size(self) -> int:
        """Return the bytes of all outputs together."""
        rows = await self._store.read_on_thread(
            "SELECT coalesce(sum(length(CAST(e.output AS BLOB)) + 1), 0) AS size FROM sfn_map_children c"
            " JOIN sfn_executions e ON e.id = c.execution WHERE c.map_run = ? AND c.status = 'SUCCEEDED'",
            self._run,
        )
        return int(rows[0]["size"])

    def start(self, number: int, execution: int) -> None:
        """Record that a child execution runs; from now on, it holds its input."""
        self._journal.add(
            "UPDATE sfn_map_children SET status = 'RUNNING', execution = ?, input = NULL"
            " WHERE map_run = ? AND number = ?",
            *(execution, self._run, number),
        )

    def set_status(self, number: int, status: str) -> None:
        """Record the status of a child execution."""
        sql = "UPDATE sfn_map_children SET status = ? WHERE map_run = ? AND number = ?"
        self._journal.add(sql, status, self._run, number)

    def redrive(self) -> None:
        """Mark all unsuccessful child executions for a redrive."""
        sql = "UPDATE sfn_map_children SET status = 'REDRIVE' WHERE map_run = ? AND status IN (?, ?, ?)"
        self._journal.add(sql, self._run, *UNSUCCESSFUL)

    def _each(self, sql: str) -> Iterator[sqlite3.Row]:
        last = -1
        while page := self._store.rows(sql, self._run, last, _PAGE):
            for row in page:
                last = row["number"]
                yield row


async def count(store: Store, run: int) -> dict[str, tuple[int, int]]:
    """Return the number of child executions and the number of their items, by status."""
    rows = await store.read_on_thread(
        "SELECT status, count(*) AS children, sum(items) AS items FROM sfn_map_children WHERE map_run = ?"
        " GROUP BY status",
        run,
    )
    return {row["status"]: (row["children"], row["items"]) for row in rows}


def _inserting(rows: list[tuple[int, int, int, str]]) -> Any:
    def write(connection: sqlite3.Connection) -> None:
        sql = "INSERT INTO sfn_map_children (map_run, number, items, status, input) VALUES (?, ?, ?, 'PENDING', ?)"
        connection.executemany(sql, rows)

    return write
