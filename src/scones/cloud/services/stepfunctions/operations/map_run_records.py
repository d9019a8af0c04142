"""Stored Map Runs and their child executions."""

from __future__ import annotations

import sqlite3

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.arns import map_run_arn
from scones.cloud.services.stepfunctions.operations.execution_records import LIST_COLUMNS
from scones.cloud.services.stepfunctions.operations.paging import LAST, after_number, page_size
from scones.cloud.wire.members import Members

_STATUSES = {
    "RUNNING": "RUNNING",
    "SUCCEEDED": "SUCCEEDED",
    "FAILED": "FAILED",
    "TIMED_OUT": "TIMED_OUT",
    "ABORTED": "ABORTED",
    "PENDING_REDRIVE": "REDRIVE",
}
"""Stored statuses of child executions that have started, by AWS's names."""
_CHILDREN = f"""
    SELECT c.number, c.items, c.status = 'REDRIVE' AS pending_redrive, {LIST_COLUMNS}
    FROM sfn_map_children AS c JOIN sfn_executions AS e ON e.id = c.execution
    WHERE c.map_run = ? AND c.status = ? AND c.number < ? ORDER BY c.number DESC LIMIT ?
"""  # noqa: S608 - constants


class MapRunRecords:
    """Reads stored Map Runs and their child executions, which are numbered in the order of their start."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def children_of(self, params: Members) -> tuple[sqlite3.Row, list[sqlite3.Row]]:
        """Return a Map Run and one page of its child executions, newest first, with one row more if a page follows."""
        run = self.get(params["mapRunArn"])
        status, size = params.get("statusFilter"), page_size(params)
        statuses = _STATUSES.values() if status is None else [_STATUSES[status]]
        before = after_number(params, LAST)

        def read(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            rows = [
                row for each in statuses for row in connection.execute(_CHILDREN, (run["id"], each, before, size + 1))
            ]
            return sorted(rows, key=lambda row: -row["number"])[: size + 1]

        return run, await self._store.read_on_thread_with(read)

    def child_members(self, execution: sqlite3.Row) -> dict[str, str]:
        """Return what only child executions have: mapRunArn, and a status if one waits for a redrive."""
        if "/" not in execution["machine"]:
            return {}
        row = self._store.row(
            "SELECT r.arn, c.status FROM sfn_map_children AS c JOIN sfn_map_runs AS r ON r.id = c.map_run"
            " WHERE c.execution = ?",
            execution["id"],
        )
        if row is None:
            return {}
        return {"mapRunArn": row["arn"], **({"status": "PENDING_REDRIVE"} if row["status"] == "REDRIVE" else {})}

    def get(self, arn: str) -> sqlite3.Row:
        """Return the row of a Map Run; raises ResourceNotFound."""
        row = self._store.row("SELECT * FROM sfn_map_runs WHERE arn = ?", map_run_arn(arn))
        if row is None:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return row
