"""The redrive operation: it runs the unsuccessful steps of an execution again, within 14 days of its end."""

from __future__ import annotations

import sqlite3
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.arns import execution_arn
from scones.cloud.services.stepfunctions.execution.executions import Executions
from scones.cloud.services.stepfunctions.execution.history import MAX_EVENTS
from scones.cloud.services.stepfunctions.operations.execution_records import ExecutionRecords
from scones.cloud.wire.members import Members

REDRIVABLE_SECONDS = 14 * 86_400.0


class RedriveOperations:
    """RedriveExecution, and the redrive status of executions."""

    def __init__(self, cloud: CloudContext, records: ExecutionRecords, executions: Executions) -> None:
        self._cloud = cloud
        self._records = records
        self._executions = executions

    async def redrive_execution(self, call: OperationCall) -> Members:
        """Run the unsuccessful steps of an execution again; a repeated client token returns the same redrive."""
        row = self._records.get(execution_arn(call.params["executionArn"]))
        token = call.params.get("clientToken")
        if token is not None:
            same = self._cloud.store.row(
                "SELECT at FROM sfn_redrives WHERE execution = ? AND token = ?", row["id"], token
            )
            if same is not None:
                return {"redriveDate": same["at"]}
        reason = _not_redrivable(self._cloud.store, row)
        if reason is None and "/" in row["machine"]:  # AWS's message for this is unknown
            reason = "Child executions are redriven by their Map Run; redrive the execution that started the Map Run"
        if reason is not None:
            raise ServiceError("ExecutionNotRedrivable", f"Execution Not Redrivable: '{reason}'")
        return {"redriveDate": await self._executions.redrive(row, token)}


def redrive_status(store: Store, row: sqlite3.Row) -> dict[str, str]:
    """Return an execution's redriveStatus, and the reason if it cannot be redriven."""
    reason = _not_redrivable(store, row)
    if reason is None:
        return {"redriveStatus": "REDRIVABLE"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _not_redrivable(store: Store, row: sqlite3.Row) -> str | None:
    """Return AWS's reason why an execution cannot be redriven, or None if it can."""
    if row["status"] in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {row['status']} and cannot be redriven"
    if time.time() - row["stopped"] > REDRIVABLE_SECONDS:
        return "Execution redrivable period exceeded"
    last = store.row("SELECT max(id) AS id FROM sfn_events WHERE execution = ?", row["id"])
    if last is not None and (last["id"] or 0) >= MAX_EVENTS - 1:
        return "Execution history event limit exceeded"
    return None
