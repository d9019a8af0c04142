"""The operations on executions."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import Call
from scones.cloud.services.states.arns import execution_arn
from scones.cloud.services.states.execution.history import from_row, present
from scones.cloud.services.states.machines import Revision
from scones.cloud.services.states.operations.base import Operations, checked_name, wrong_type
from scones.cloud.services.states.operations.inputs import checked_input
from scones.cloud.services.states.operations.map_runs import MapRunOperations
from scones.cloud.services.states.operations.paging import DEFAULT, page, page_bounds
from scones.cloud.services.states.operations.redrives import RedriveOperations

_WITH_ALIAS = "SELECT * FROM sfn_executions LEFT JOIN sfn_execution_aliases ON execution = id"


class ExecutionOperations(MapRunOperations, RedriveOperations, Operations):
    """Step Functions' operations on executions, a Map Run's children among them."""

    async def start_execution(self, call: Call) -> dict[str, Any]:
        """Start an execution; the same name and input answer the one that runs, if it is none of an Express machine."""
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
        if running is not None or self._row(arn) is not None:
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        started = await self._executions.start(arn, name, machine, text, params.get("traceHeader"))
        return {"executionArn": arn, "startDate": started}

    async def start_sync_execution(self, call: Call) -> dict[str, Any]:
        """Run an Express machine and answer how that ended; no name is ever taken."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        if machine.type != "EXPRESS":
            raise wrong_type()
        name, text = checked_name(params.get("name") or str(uuid.uuid4())), checked_input(params.get("input", "{}"))
        outcome = await self._express.run(machine, name, text)
        answer = outcome.describe(data=params.get("includedData") != "METADATA_ONLY")
        if "traceHeader" in params:
            answer["traceHeader"] = params["traceHeader"]
        return answer

    async def stop_execution(self, call: Call) -> dict[str, Any]:
        """Abort an execution; one that has ended answers when it did."""
        arn = execution_arn(call.params["executionArn"])
        if arn in self._executions.running:
            return {"stopDate": await self._executions.stop(arn, call.params.get("error"), call.params.get("cause"))}
        return {"stopDate": self._execution(arn)["stopped"]}

    async def describe_execution(self, call: Call) -> dict[str, Any]:
        """Describe an execution."""
        row = self._execution(execution_arn(call.params["executionArn"]))
        answer = _listed(row)
        alias = self.cloud.store.row("SELECT alias FROM sfn_execution_aliases WHERE execution = ?", row["id"])
        if alias is not None:
            answer["stateMachineAliasArn"] = alias["alias"]
        answer |= self.redrives(row) | self.redrive_status(row)
        if (run := self.map_run_of(row)) is not None:
            answer["mapRunArn"] = run
            if answer["redriveStatus"] == "REDRIVABLE":
                answer["redriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
        if call.params.get("includedData") != "METADATA_ONLY":
            answer |= {"input": row["input"], "inputDetails": {"included": True}}
            if row["output"] is not None:
                answer |= {"output": row["output"], "outputDetails": {"included": True}}
            answer |= {member: row[member] for member in ("error", "cause") if row[member] is not None}
        if row["trace"] is not None:
            answer["traceHeader"] = row["trace"]
        return answer

    async def describe_state_machine_for_execution(self, call: Call) -> dict[str, Any]:
        """Describe the machine as it was when an execution started."""
        row = self._execution(execution_arn(call.params["executionArn"]))
        found = self.cloud.store.row("SELECT * FROM sfn_revisions WHERE id = ?", row["revision"])
        assert found is not None
        revision = Revision.of(found)
        return {
            "stateMachineArn": row["machine"],
            "name": row["machine"].rsplit(":", 1)[-1],
            "updateDate": revision.updated,
            **revision.describe(),
        }

    async def list_executions(self, call: Call) -> dict[str, Any]:
        """List the executions of a machine, a version or an alias, newest first."""
        params = call.params
        if "mapRunArn" in params:
            offset, size = page_bounds(params)
            run, rows = self.children_of(params, params.get("statusFilter"))
            listed = [
                {**_listed(row), **self.redrives(row), "mapRunArn": run["arn"], "itemCount": row["items"]}
                for row in rows
            ]
            return page("executions", listed, offset, size)
        if "stateMachineArn" not in params:
            raise ServiceError("ValidationException", "Must provide a state machine ARN or a map run ARN.")
        machine = self._machines.get(params["stateMachineArn"])
        if machine.type == "EXPRESS":
            raise wrong_type()
        offset, size = page_bounds(params)
        column, arn = "machine", machine.arn
        if machine.alias is not None:
            column, arn = "alias", machine.alias
        elif machine.version is not None:
            column, arn = "version", machine.version
        status = params.get("statusFilter")
        rows = self.cloud.store.rows(
            f"{_WITH_ALIAS} WHERE {column} = ? AND (? IS NULL OR status = ?) ORDER BY id DESC LIMIT ? OFFSET ?",
            *(arn, status, status, size + 1, offset),
        )
        return page("executions", [_listed(row) | self.redrives(row) | _aliased(row) for row in rows], offset, size)

    async def get_execution_history(self, call: Call) -> dict[str, Any]:
        """List the events of an execution, in order or newest first."""
        params = call.params
        arn = execution_arn(params["executionArn"])
        execution = self._execution(arn)
        offset, size = page_bounds(params)
        order = "DESC" if params.get("reverseOrder") else "ASC"
        sql = f"SELECT * FROM sfn_events WHERE execution = ? ORDER BY id {order} LIMIT ? OFFSET ?"  # noqa: S608
        bounds = (execution["id"], size + 1, offset)
        store = self.cloud.store
        rows = store.rows(sql, *bounds) if size <= DEFAULT else await store.read_aside(sql, *bounds)
        include = params.get("includeExecutionData", True)
        return page("events", [present(from_row(row), include_data=include) for row in rows], offset, size)


def _aliased(row: sqlite3.Row) -> dict[str, str]:
    return {} if row["alias"] is None else {"stateMachineAliasArn": row["alias"]}


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    listed = {
        "executionArn": row["arn"],
        "stateMachineArn": row["machine"],
        "name": row["name"],
        "status": row["status"],
        "startDate": row["started"],
    }
    if row["stopped"] is not None:
        listed["stopDate"] = row["stopped"]
    if row["version"] is not None:
        listed["stateMachineVersionArn"] = row["version"]
    return listed
