"""The operations on executions."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.arns import execution_arn
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.execution.executions import Executions
from scones.cloud.services.stepfunctions.execution.express import ExpressExecutions
from scones.cloud.services.stepfunctions.execution.history import describe_event, from_row
from scones.cloud.services.stepfunctions.operations.execution_records import (
    LIST_COLUMNS,
    ExecutionRecords,
    execution_list_item,
    no_execution,
)
from scones.cloud.services.stepfunctions.operations.inputs import checked_input, checked_name
from scones.cloud.services.stepfunctions.operations.map_run_records import MapRunRecords
from scones.cloud.services.stepfunctions.operations.paging import LAST, after_number, page, page_size
from scones.cloud.services.stepfunctions.operations.redrives import redrive_status
from scones.cloud.services.stepfunctions.state_machines import StateMachines
from scones.cloud.wire.members import Members

_IN_ORDER = "SELECT * FROM sfn_events WHERE execution = ? AND id > ? ORDER BY id LIMIT ?"
_NEWEST_FIRST = "SELECT * FROM sfn_events WHERE execution = ? AND id < ? ORDER BY id DESC LIMIT ?"
_PAGE_CHARACTERS = 1024**2
"""Characters of details after which a page of a history ends; AWS may also return fewer events than maxResults."""


class ExecutionOperations:
    """Step Functions' operations on executions, including the child executions of Map Runs."""

    def __init__(
        self,
        cloud: CloudContext,
        machines: StateMachines,
        executions: Executions,
        express: ExpressExecutions,
        records: ExecutionRecords,
        map_runs: MapRunRecords,
    ) -> None:
        self._cloud = cloud
        self._machines = machines
        self._executions = executions
        self._express = express
        self._records = records
        self._map_runs = map_runs

    async def start_execution(self, call: OperationCall) -> Members:
        """Start an execution; for a Standard machine, a repeated name and input return the running execution."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        text = checked_input(params.get("input", "{}"))
        name = checked_name(params.get("name") or str(uuid.uuid4()))
        if machine.type == "EXPRESS":
            express = self._express.start(machine, name, text)
            return {"executionArn": express.arn, "startDate": express.started}
        arn = machine.arn.replace(":stateMachine:", ":execution:", 1) + f":{name}"
        running = self._executions.running.get(arn)
        if running is not None and running.input == text:
            return {"executionArn": arn, "startDate": await self._executions.started(running)}
        row = self._records.find(arn)
        if row is not None and row["status"] == "RUNNING" and row["input"] == text:  # not resumed yet
            return {"executionArn": arn, "startDate": row["started"]}
        if running is not None or row is not None:
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        started = await self._executions.start(arn, name, machine, text, params.get("traceHeader"))
        return {"executionArn": arn, "startDate": started}

    async def start_sync_execution(self, call: OperationCall) -> Members:
        """Run an Express machine and return the result; names may be used repeatedly."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        if machine.type != "EXPRESS":
            raise _wrong_type()
        name, text = checked_name(params.get("name") or str(uuid.uuid4())), checked_input(params.get("input", "{}"))
        outcome = await self._express.run(machine, name, text)
        response = outcome.describe(data=params.get("includedData") != "METADATA_ONLY")
        if "traceHeader" in params:
            response["traceHeader"] = params["traceHeader"]
        return response

    async def stop_execution(self, call: OperationCall) -> Members:
        """Abort an execution; if it has ended already, return the time of its end."""
        arn = execution_arn(call.params["executionArn"])
        if arn in self._executions.running:
            return {"stopDate": await self._executions.stop(arn, call.params.get("error"), call.params.get("cause"))}
        row = self._records.get(arn)
        if row["status"] == "RUNNING":  # an earlier process left it, and it is not (yet) resumed
            failure = StateFailedError(call.params.get("error"), call.params.get("cause"))
            return {"stopDate": await self._executions.close(row["id"], "ABORTED", failure)}
        return {"stopDate": row["stopped"]}

    async def describe_execution(self, call: OperationCall) -> Members:
        """Describe an execution."""
        arn = execution_arn(call.params["executionArn"])
        row = self._cloud.store.row(f"SELECT e.*, {LIST_COLUMNS} FROM sfn_executions AS e WHERE arn = ?", arn)  # noqa: S608
        if row is None:
            raise no_execution(arn)
        response = execution_list_item(row) | redrive_status(self._cloud.store, row)
        response |= self._map_runs.child_members(row)
        if "mapRunArn" in response and response["redriveStatus"] == "REDRIVABLE":
            response["redriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
        if call.params.get("includedData") != "METADATA_ONLY":
            response |= {"input": row["input"], "inputDetails": {"included": True}}
            if row["output"] is not None:
                response |= {"output": row["output"], "outputDetails": {"included": True}}
            response |= {member: row[member] for member in ("error", "cause") if row[member] is not None}
        if row["trace"] is not None:
            response["traceHeader"] = row["trace"]
        return response

    async def list_executions(self, call: OperationCall) -> Members:
        """List the executions of a machine, a version or an alias, newest first."""
        params = call.params
        size = page_size(params)
        if "mapRunArn" in params:
            run, rows = await self._map_runs.children_of(params)
            return page("executions", [(row["number"], _child(row, run["arn"])) for row in rows], size)
        if "stateMachineArn" not in params:
            raise ServiceError("ValidationException", "Must provide a state machine ARN or a map run ARN.")
        machine = self._machines.get(params["stateMachineArn"])
        if machine.type == "EXPRESS":
            raise _wrong_type()
        column, arn = "machine", machine.arn
        if machine.alias is not None:
            column, arn = "alias", machine.alias
        elif machine.version is not None:
            column, arn = "version", machine.version
        conditions, values = [f"e.{column} = ?", "e.id < ?"], [arn, after_number(params, LAST)]
        if "statusFilter" in params:
            conditions.append("e.status = ?")
            values.append(params["statusFilter"])
        rows = await self._cloud.store.read_on_thread(
            f"SELECT {LIST_COLUMNS} FROM sfn_executions AS e "  # noqa: S608
            f"WHERE {' AND '.join(conditions)} ORDER BY e.id DESC LIMIT ?",
            *values,
            size + 1,
        )
        return page("executions", [(row["id"], execution_list_item(row)) for row in rows], size)

    async def get_execution_history(self, call: OperationCall) -> Members:
        """List the events of an execution, in order or newest first."""
        params = call.params
        execution = self._records.get(execution_arn(params["executionArn"]))["id"]
        size, include = page_size(params), params.get("includeExecutionData", True)
        newest_first = params.get("reverseOrder", False)
        after = after_number(params, LAST if newest_first else 0)
        sql = _NEWEST_FIRST if newest_first else _IN_ORDER

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            rows = connection.execute(sql, (execution, after, size + 1))
            events, kept = [], 0
            for row in rows:
                events.append((row["id"], describe_event(from_row(row), include_data=include)))
                kept += len(row["details"] or "")
                if kept > _PAGE_CHARACTERS:
                    break
            return page("events", events, size if kept <= _PAGE_CHARACTERS else max(1, len(events) - 1))

        return await self._cloud.store.read_on_thread_with(read)


def _wrong_type() -> ServiceError:
    """Return the error for an operation that only machines of the other type support."""
    return ServiceError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")


def _child(row: sqlite3.Row, run: str) -> dict[str, Any]:
    status = "PENDING_REDRIVE" if row["pending_redrive"] else row["status"]
    return {**execution_list_item(row), "status": status, "mapRunArn": run, "itemCount": row["items"]}
