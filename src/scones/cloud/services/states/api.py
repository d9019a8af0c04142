"""Step Functions' operations."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from typing import Any, ClassVar

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.service import Call, Service
from scones.cloud.services.states.arns import execution_arn, machine_arn
from scones.cloud.services.states.executions import Executions
from scones.cloud.services.states.history import from_row, present
from scones.cloud.services.states.log_destinations import check_logging
from scones.cloud.services.states.machines import Machine, Machines, Revision, new_revision
from scones.cloud.services.states.map_children import SCHEMA as MAP_RUNS
from scones.cloud.services.states.map_runs import MapRunOperations
from scones.cloud.services.states.offered import not_offered
from scones.cloud.services.states.paging import DEFAULT, page, page_bounds
from scones.cloud.services.states.schema import SCHEMA
from scones.cloud.services.states.state_tests import StateTestOperations
from scones.cloud.services.states.text import too_large
from scones.cloud.services.states.validation import diagnose

_BAD_NAME = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
_MAX_DIAGNOSTICS = 100


class StepFunctions(StateTestOperations, MapRunOperations, Service):
    """AWS Step Functions: Standard state machines in the Amazon States Language."""

    name: ClassVar[str] = "stepfunctions"
    schema: ClassVar[str] = f"{SCHEMA};{MAP_RUNS}"

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._machines = Machines(cloud.store)
        self._executions = Executions(cloud)
        self._map_runs = self._executions.map_runs

    async def start(self) -> None:
        """Take up the executions that a former process left."""
        await self._executions.take_up()

    async def stop(self) -> None:
        """Leave the running executions to the next process."""
        await self._executions.suspend()

    async def create_state_machine(self, call: Call) -> dict[str, Any]:
        """Create a machine; the same request again answers the same machine."""
        params = call.params
        name, kind = _checked_name(params["name"]), params.get("type", "STANDARD")
        _check_definition(params["definition"], kind)
        await check_logging(self.cloud, params.get("loggingConfiguration"))
        if kind != "STANDARD":
            raise ServiceError(
                "StateMachineTypeNotSupported",
                f"State Machine Type Not Supported: 'The local cloud runs STANDARD state machines, not {kind}'",
            )
        arn = self.cloud.arn("states", f"stateMachine:{name}")
        revision = new_revision(arn, params, None)
        found = self._machines.find(arn)
        if found is None:
            created = await self._machines.create(arn, name, kind, revision, params.get("tags", []))
        elif _differs(found.revision, revision):
            raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        else:
            created, revision = found.created, found.revision
        answer = {"stateMachineArn": arn, "creationDate": created}
        if params.get("publish"):
            version, _ = await self._machines.publish(arn, revision.id, params.get("versionDescription"))
            answer["stateMachineVersionArn"] = version
        elif params.get("versionDescription"):
            raise ServiceError("ValidationException", "Version description can only be set when publish is true")
        return answer

    async def describe_state_machine(self, call: Call) -> dict[str, Any]:
        """Describe a machine or one of its versions."""
        machine = self._machines.get(call.params["stateMachineArn"])
        answer = {
            "stateMachineArn": machine.version or machine.arn,
            "name": machine.name,
            "status": "ACTIVE",
            "type": machine.type,
            "creationDate": machine.created,
            **machine.revision.describe(),
        }
        if machine.description is not None:
            answer["description"] = machine.description
        return answer

    async def update_state_machine(self, call: Call) -> dict[str, Any]:
        """Change a machine; running executions keep what they began with."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        if machine.version is not None:
            raise _no_machine(machine.version)
        settings = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
        if not any(params.get(member) is not None for member in settings):
            raise ServiceError(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
                "must be specified",
            )
        if params.get("definition") is not None:
            _check_definition(params["definition"], machine.type)
        await check_logging(self.cloud, params.get("loggingConfiguration"))
        revision = new_revision(machine.arn, params, machine.revision)
        if revision.content() == machine.revision.content():
            updated, revision = revision.updated, machine.revision
        else:
            await self._machines.update(revision)
            updated = revision.updated
        answer: dict[str, Any] = {"updateDate": updated}
        if not revision.initial:
            answer["revisionId"] = revision.id
        if params.get("publish"):
            version, _ = await self._machines.publish(machine.arn, revision.id, params.get("versionDescription"))
            answer["stateMachineVersionArn"] = version
        return answer

    async def list_state_machines(self, call: Call) -> dict[str, Any]:
        """List machines in the order of their names."""
        offset, size = page_bounds(call.params)
        rows = self.cloud.store.rows("SELECT * FROM sfn_machines ORDER BY name LIMIT ? OFFSET ?", size + 1, offset)
        listed = [
            {
                "stateMachineArn": row["arn"],
                "name": row["name"],
                "type": row["type"],
                "creationDate": row["created"],
            }
            for row in rows
        ]
        return page("stateMachines", listed, offset, size)

    async def delete_state_machine(self, call: Call) -> dict[str, Any]:
        """Delete a machine and abort its executions; one that is not there is no error, as on AWS."""
        arn, _ = machine_arn(call.params["stateMachineArn"])
        await self._machines.delete(arn)
        for execution in [each for each in self._executions.running.values() if each.machine == arn]:
            await self._executions.stop(execution.arn, None, None)
        return {}

    async def validate_state_machine_definition(self, call: Call) -> dict[str, Any]:
        """Tell what AWS would find wrong with a definition."""
        params = call.params
        found = diagnose(params["definition"], params.get("type", "STANDARD"))
        limit = params.get("maxResults") or _MAX_DIAGNOSTICS
        diagnostics = []
        for each in found[:limit]:
            shown = {"severity": "ERROR", "code": each.code, "message": each.message}
            if each.location is not None:
                shown["location"] = each.location
            diagnostics.append(shown)
        return {"result": "FAIL" if found else "OK", "diagnostics": diagnostics, "truncated": len(found) > limit}

    async def publish_state_machine_version(self, call: Call) -> dict[str, Any]:
        """Publish the machine's present revision."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        wanted, present_id = params.get("revisionId"), machine.revision.id
        if wanted is not None and wanted != present_id and not (wanted == "INITIAL" and machine.revision.initial):
            raise ServiceError(
                "ConflictException",
                f"Failed to publish the State Machine version for revision {wanted}. "
                f"The current State Machine revision is {present_id}.",
                status=409,
            )
        version, created = await self._machines.publish(machine.arn, present_id, params.get("description"))
        return {"stateMachineVersionArn": version, "creationDate": created}

    async def list_state_machine_versions(self, call: Call) -> dict[str, Any]:
        """List versions, newest first."""
        arn, _ = machine_arn(call.params["stateMachineArn"])
        offset, size = page_bounds(call.params)
        rows = self.cloud.store.rows(
            "SELECT * FROM sfn_versions WHERE machine = ? ORDER BY number DESC LIMIT ? OFFSET ?", arn, size + 1, offset
        )
        listed = [{"stateMachineVersionArn": row["arn"], "creationDate": row["created"]} for row in rows]
        return page("stateMachineVersions", listed, offset, size)

    async def delete_state_machine_version(self, call: Call) -> dict[str, Any]:
        """Delete a version; one that is not there is no error, as on AWS."""
        arn = call.params["stateMachineVersionArn"]
        _, number = machine_arn(arn)
        if number is None:
            raise ServiceError("ValidationException", f"{arn} names no version of a state machine")
        await self.cloud.store.execute("DELETE FROM sfn_versions WHERE arn = ?", arn)
        return {}

    async def start_execution(self, call: Call) -> dict[str, Any]:
        """Start an execution; the same name and input answer the one that runs."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        text = _checked_input(params.get("input", "{}"))
        name = _checked_name(params.get("name") or str(uuid.uuid4()))
        arn = machine.arn.replace(":stateMachine:", ":execution:", 1) + f":{name}"
        running = self._executions.running.get(arn)
        if running is not None and running.input == text:
            return {"executionArn": arn, "startDate": running.started}
        if running is not None or self._row(arn) is not None:
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        started = await self._executions.start(
            arn, name, machine.arn, machine.version, text, machine.revision, params.get("traceHeader")
        )
        return {"executionArn": arn, "startDate": started}

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
        answer |= {"redriveStatus": "REDRIVABLE"}
        if row["status"] in ("RUNNING", "SUCCEEDED"):
            reason = f"Execution is {row['status']} and cannot be redriven"
            answer |= {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
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
        """List the executions of a machine or a version, newest first."""
        params = call.params
        if "mapRunArn" in params:
            offset, size = page_bounds(params)
            run, rows = self.children_of(params, params.get("statusFilter"))
            listed = [{**_listed(row), "mapRunArn": run["arn"], "itemCount": row["items"]} for row in rows]
            return page("executions", listed, offset, size)
        if "stateMachineArn" not in params:
            raise ServiceError("ValidationException", "Must provide a state machine ARN or a map run ARN.")
        machine = self._machines.get(params["stateMachineArn"])
        offset, size = page_bounds(params)
        column, arn = ("version", machine.version) if machine.version else ("machine", machine.arn)
        status = params.get("statusFilter")
        rows = self.cloud.store.rows(
            f"SELECT * FROM sfn_executions WHERE {column} = ? AND (? IS NULL OR status = ?)"  # noqa: S608 - our own names
            " ORDER BY id DESC LIMIT ? OFFSET ?",
            *(arn, status, status, size + 1, offset),
        )
        return page("executions", [_listed(row) for row in rows], offset, size)

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

    async def tag_resource(self, call: Call) -> dict[str, Any]:
        """Set tags of a machine."""
        await self._machines.tag(self._taggable(call), call.params["tags"])
        return {}

    async def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags of a machine; those that are not there are no error."""
        arn = self._taggable(call)
        for key in call.params["tagKeys"]:
            await self.cloud.store.execute("DELETE FROM sfn_tags WHERE arn = ? AND key = ?", arn, key)
        return {}

    async def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """List the tags of a machine."""
        return {"tags": self._machines.tags(self._taggable(call))}

    def _taggable(self, call: Call) -> str:
        arn: str = call.params["resourceArn"]
        machine: Machine | None = self._machines.find(arn)
        if machine is None or machine.version is not None:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return arn

    def _row(self, arn: str) -> sqlite3.Row | None:
        return self.cloud.store.row("SELECT * FROM sfn_executions WHERE arn = ?", arn)

    def _execution(self, arn: str) -> sqlite3.Row:
        row = self._row(arn)
        if row is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return row


def _checked_name(name: str) -> str:
    if len(name) > 80 or not name or _BAD_NAME.search(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")
    return name


def _checked_input(text: str) -> str:
    if too_large(text):
        raise ServiceError(
            "InvalidExecutionInput", "Invalid State Machine Execution Input: 'The input exceeds 262144 bytes of UTF-8'"
        )
    try:
        json.loads(text)
    except ValueError as error:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
    return text


def _check_definition(definition: str, kind: str) -> None:
    found = diagnose(definition, kind) or not_offered(json.loads(definition))
    if found:
        joined = ", ".join(str(each) for each in found)
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{joined}'")


def _differs(old: Revision, new: Revision) -> bool:
    """Whether a Create asks for another machine than the one of that name: roles and tags do not count."""
    return (old.definition, old.logging, old.tracing) != (new.definition, new.logging, new.tracing)


def _no_machine(arn: str) -> ServiceError:
    return ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    listed = {
        "executionArn": row["arn"],
        "stateMachineArn": row["machine"],
        "name": row["name"],
        "status": row["status"],
        "startDate": row["started"],
        "redriveCount": 0,
    }
    if row["stopped"] is not None:
        listed["stopDate"] = row["stopped"]
    if row["version"] is not None:
        listed["stateMachineVersionArn"] = row["version"]
    return listed
