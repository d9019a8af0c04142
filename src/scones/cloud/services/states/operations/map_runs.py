"""The operations on Map Runs, and what those on executions tell of a Map Run's children."""

from __future__ import annotations

import sqlite3
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import Call, Service
from scones.cloud.services.states.arns import execution_arn, map_run_arn
from scones.cloud.services.states.map_run.distributed import Limits, MapRuns
from scones.cloud.services.states.map_run.map_children import count
from scones.cloud.services.states.operations.paging import page, page_bounds

_COUNTED = {
    "pending": "PENDING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "timedOut": "TIMED_OUT",
    "aborted": "ABORTED",
    "pendingRedrive": "REDRIVE",
}


class MapRunOperations(Service):
    """Step Functions' operations on Map Runs."""

    _map_runs: MapRuns

    async def list_map_runs(self, call: Call) -> dict[str, Any]:
        """List the Map Runs of an execution, newest first."""
        arn = execution_arn(call.params["executionArn"])
        if self.cloud.store.row("SELECT id FROM sfn_executions WHERE arn = ?", arn) is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        offset, size = page_bounds(call.params)
        sql = "SELECT * FROM sfn_map_runs WHERE execution = ? ORDER BY id DESC LIMIT ? OFFSET ?"
        rows = self.cloud.store.rows(sql, arn, size + 1, offset)
        return page("mapRuns", [_listed(row) for row in rows], offset, size)

    async def describe_map_run(self, call: Call) -> dict[str, Any]:
        """Describe a Map Run, with how many items and executions stand how."""
        row = self._map_run(call.params["mapRunArn"])
        counts = count(self.cloud.store, row["id"])
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

    async def update_map_run(self, call: Call) -> dict[str, Any]:
        """Change how many children of a running Map Run run at once, or how many failures it tolerates."""
        params = call.params
        row = self._map_run(params["mapRunArn"])
        if row["status"] != "RUNNING":
            raise ServiceError("ValidationException", f"Map Run {row['arn']} is {row['status']} and cannot be updated")
        limits = Limits(
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

    def children_of(self, params: dict[str, Any], status: str | None) -> tuple[sqlite3.Row, list[sqlite3.Row]]:
        """Return a Map Run and a page (with one more) of the executions under it, newest first."""
        run = self._map_run(params["mapRunArn"])
        offset, size = page_bounds(params)
        rows = self.cloud.store.rows(
            "SELECT e.*, c.items FROM sfn_map_children c JOIN sfn_executions e ON e.id = c.execution"
            " WHERE c.map_run = ? AND (? IS NULL OR e.status = ?) ORDER BY e.id DESC LIMIT ? OFFSET ?",
            *(run["id"], status, status, size + 1, offset),
        )
        return run, rows

    def map_run_of(self, execution: sqlite3.Row) -> str | None:
        """Return the ARN of the Map Run that an execution is a child of, or None."""
        if "/" not in execution["machine"]:
            return None
        row = self.cloud.store.row(
            "SELECT r.arn FROM sfn_map_children c JOIN sfn_map_runs r ON r.id = c.map_run WHERE c.execution = ?",
            execution["id"],
        )
        return None if row is None else str(row["arn"])

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
    """Return AWS's counts; results count as written once the run has succeeded."""
    shown = {member: counts.get(key, 0) for member, key in _COUNTED.items()}
    written = shown["succeeded"] if status == "SUCCEEDED" else 0
    return {**shown, "total": sum(counts.values()), "resultsWritten": written, "failuresNotRedrivable": 0}
