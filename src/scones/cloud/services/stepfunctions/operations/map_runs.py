"""The operations on Map Runs, and the parts of the execution operations that concern their child executions."""

from __future__ import annotations

import sqlite3
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.stepfunctions.arns import execution_arn, map_run_arn
from scones.cloud.services.stepfunctions.map_run.distributed import MapRunLimits, MapRuns
from scones.cloud.services.stepfunctions.map_run.map_children import count
from scones.cloud.services.stepfunctions.operations.execution_list_item import LIST_COLUMNS
from scones.cloud.services.stepfunctions.operations.paging import LAST, after_number, page, page_size

_COUNTED = {
    "pending": "PENDING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "timedOut": "TIMED_OUT",
    "aborted": "ABORTED",
    "pendingRedrive": "REDRIVE",
}

_STATUSES = {
    "RUNNING": "RUNNING",
    "SUCCEEDED": "SUCCEEDED",
    "FAILED": "FAILED",
    "TIMED_OUT": "TIMED_OUT",
    "ABORTED": "ABORTED",
    "PENDING_REDRIVE": "REDRIVE",
}
"""Statuses of children that have an execution, by AWS's names; children start in the order of their numbers."""
_CHILDREN = f"""
    SELECT c.number, c.items, c.status = 'REDRIVE' AS pending_redrive, {LIST_COLUMNS}
    FROM sfn_map_children AS c JOIN sfn_executions AS e ON e.id = c.execution
    WHERE c.map_run = ? AND c.status = ? AND c.number < ? ORDER BY c.number DESC LIMIT ?
"""  # noqa: S608 - constants


class MapRunOperations(Service):
    """Step Functions' operations on Map Runs."""

    _map_runs: MapRuns

    async def list_map_runs(self, call: OperationCall) -> dict[str, Any]:
        """List the Map Runs of an execution, newest first."""
        arn = execution_arn(call.params["executionArn"])
        if self.cloud.store.row("SELECT id FROM sfn_executions WHERE arn = ?", arn) is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        size = page_size(call.params)
        rows = self.cloud.store.rows(
            "SELECT * FROM sfn_map_runs WHERE execution = ? AND id < ? ORDER BY id DESC LIMIT ?",
            arn,
            after_number(call.params, LAST),
            size + 1,
        )
        return page("mapRuns", [(row["id"], _listed(row)) for row in rows], size)

    async def describe_map_run(self, call: OperationCall) -> dict[str, Any]:
        """Describe a Map Run, with the numbers of its items and executions by status."""
        row = self._map_run(call.params["mapRunArn"])
        counts = await count(self.cloud.store, row["id"])
        answer = {
            "mapRunArn": row["arn"],
            "executionArn": row["execution"],
            "status": row["status"],
            "startDate": row["started"],
            "stopDate": row["stopped"],
            "maxConcurrency": row["max_concurrency"],
            "toleratedFailurePercentage": row["tolerated_percentage"] or 0.0,
            "toleratedFailureCount": row["tolerated_count"] or 0,
            "itemCounts": _counts({status: items for status, (_, items) in counts.items()}, row["status"]),
            "executionCounts": _counts({status: number for status, (number, _) in counts.items()}, row["status"]),
            "redriveCount": row["redrives"],
            "redriveDate": row["redriven"],
        }
        return {member: value for member, value in answer.items() if value is not None}

    async def update_map_run(self, call: OperationCall) -> dict[str, Any]:
        """Change the maximum concurrency or the tolerated failures of a running Map Run."""
        params = call.params
        row = self._map_run(params["mapRunArn"])
        if row["status"] != "RUNNING":
            raise ServiceError("ValidationException", f"Map Run {row['arn']} is {row['status']} and cannot be updated")
        limits = MapRunLimits(
            params.get("maxConcurrency", row["max_concurrency"]),
            params.get("toleratedFailureCount", row["tolerated_count"]),
            params.get("toleratedFailurePercentage", row["tolerated_percentage"]),
        )
        await self.cloud.store.execute(
            "UPDATE sfn_map_runs SET max_concurrency = ?, tolerated_count = ?, tolerated_percentage = ? WHERE id = ?",
            *(limits.concurrency, limits.count, limits.percentage, row["id"]),
        )
        live = self._map_runs.live.get(row["arn"])
        if live is not None:
            live.change(limits)
        return {}

    async def children_of(self, params: dict[str, Any]) -> tuple[sqlite3.Row, list[sqlite3.Row]]:
        """Return a Map Run and its child executions, newest first: one page and one more row."""
        run = self._map_run(params["mapRunArn"])
        status, size = params.get("statusFilter"), page_size(params)
        statuses = _STATUSES.values() if status is None else [_STATUSES[status]]
        before = after_number(params, LAST)

        def read(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            rows = [
                row for each in statuses for row in connection.execute(_CHILDREN, (run["id"], each, before, size + 1))
            ]
            return sorted(rows, key=lambda row: -row["number"])[: size + 1]

        return run, await self.cloud.store.read_on_thread_with(read)

    def as_child(self, execution: sqlite3.Row) -> dict[str, str]:
        """Return the mapRunArn of a child execution, and its status if it waits for a redrive; otherwise empty."""
        if "/" not in execution["machine"]:
            return {}
        row = self.cloud.store.row(
            "SELECT r.arn, c.status FROM sfn_map_children AS c JOIN sfn_map_runs AS r ON r.id = c.map_run"
            " WHERE c.execution = ?",
            execution["id"],
        )
        if row is None:
            return {}
        return {"mapRunArn": row["arn"], **({"status": "PENDING_REDRIVE"} if row["status"] == "REDRIVE" else {})}

    def _map_run(self, arn: str) -> sqlite3.Row:
        row = self.cloud.store.row("SELECT * FROM sfn_map_runs WHERE arn = ?", map_run_arn(arn))
        if row is None:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return row


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    listed = {
        "executionArn": row["execution"],
        "mapRunArn": row["arn"],
        "stateMachineArn": row["machine"],
        "startDate": row["started"],
        "stopDate": row["stopped"],
    }
    return {member: value for member, value in listed.items() if value is not None}


def _counts(counts: dict[str, int], status: str) -> dict[str, int]:
    """Return counts by AWS's names; results count as written once the run has succeeded."""
    shown = {member: counts.get(key, 0) for member, key in _COUNTED.items()}
    written = shown["succeeded"] if status == "SUCCEEDED" else 0
    return {**shown, "total": sum(counts.values()), "resultsWritten": written, "failuresNotRedrivable": 0}
