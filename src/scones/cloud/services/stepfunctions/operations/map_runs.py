"""The operations on Map Runs."""

from __future__ import annotations

import sqlite3
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.arns import execution_arn
from scones.cloud.services.stepfunctions.map_run.limits import MapRunLimits
from scones.cloud.services.stepfunctions.map_run.map_children import count
from scones.cloud.services.stepfunctions.map_run.map_run import MapRuns
from scones.cloud.services.stepfunctions.operations.execution_records import ExecutionRecords
from scones.cloud.services.stepfunctions.operations.map_run_records import MapRunRecords
from scones.cloud.services.stepfunctions.operations.paging import LAST, after_number, page, page_size
from scones.cloud.wire.members import Members

_COUNTED = {
    "pending": "PENDING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "timedOut": "TIMED_OUT",
    "aborted": "ABORTED",
    "pendingRedrive": "REDRIVE",
}


class MapRunOperations:
    """Step Functions' operations on Map Runs."""

    def __init__(
        self, cloud: CloudContext, executions: ExecutionRecords, records: MapRunRecords, map_runs: MapRuns
    ) -> None:
        self._cloud = cloud
        self._executions = executions
        self._records = records
        self._map_runs = map_runs

    async def list_map_runs(self, call: OperationCall) -> Members:
        """List the Map Runs of an execution, newest first."""
        arn = execution_arn(call.params["executionArn"])
        self._executions.get(arn)
        size = page_size(call.params)
        rows = self._cloud.store.rows(
            "SELECT * FROM sfn_map_runs WHERE execution = ? AND id < ? ORDER BY id DESC LIMIT ?",
            arn,
            after_number(call.params, LAST),
            size + 1,
        )
        return page("mapRuns", [(row["id"], _listed(row)) for row in rows], size)

    async def describe_map_run(self, call: OperationCall) -> Members:
        """Describe a Map Run, with the numbers of its items and executions by status."""
        row = self._records.get(call.params["mapRunArn"])
        counts = await count(self._cloud.store, row["id"])
        response = {
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
        return {member: value for member, value in response.items() if value is not None}

    async def update_map_run(self, call: OperationCall) -> Members:
        """Change the maximum concurrency or the tolerated failures of a running Map Run."""
        params = call.params
        row = self._records.get(params["mapRunArn"])
        if row["status"] != "RUNNING":
            raise ServiceError("ValidationException", f"Map Run {row['arn']} is {row['status']} and cannot be updated")
        limits = MapRunLimits(
            params.get("maxConcurrency", row["max_concurrency"]),
            params.get("toleratedFailureCount", row["tolerated_count"]),
            params.get("toleratedFailurePercentage", row["tolerated_percentage"]),
        )
        await self._cloud.store.execute(
            "UPDATE sfn_map_runs SET max_concurrency = ?, tolerated_count = ?, tolerated_percentage = ? WHERE id = ?",
            *(limits.concurrency, limits.count, limits.percentage, row["id"]),
        )
        live = self._map_runs.live.get(row["arn"])
        if live is not None:
            live.change(limits)
        return {}


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
