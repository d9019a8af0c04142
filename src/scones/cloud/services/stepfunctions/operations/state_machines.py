"""The operations on state machines."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import last_part
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.arns import check_role, execution_arn, machine_arn
from scones.cloud.services.stepfunctions.encryption import check_encryption
from scones.cloud.services.stepfunctions.execution.executions import Executions
from scones.cloud.services.stepfunctions.execution.express import ExpressExecutions
from scones.cloud.services.stepfunctions.log_destinations import check_logging
from scones.cloud.services.stepfunctions.operations.definition_checks import DefinitionChecks
from scones.cloud.services.stepfunctions.operations.execution_records import ExecutionRecords
from scones.cloud.services.stepfunctions.operations.inputs import checked_name
from scones.cloud.services.stepfunctions.operations.paging import after_text, page, page_size
from scones.cloud.services.stepfunctions.state_machines import Revision, StateMachines, new_revision, no_machine
from scones.cloud.services.stepfunctions.validation.warnings import warnings
from scones.cloud.wire.members import Members

_MAX_DIAGNOSTICS = 100


class StateMachineOperations:
    """Step Functions' operations on state machines and their definitions."""

    def __init__(
        self,
        cloud: CloudContext,
        machines: StateMachines,
        checks: DefinitionChecks,
        records: ExecutionRecords,
        executions: Executions,
        express: ExpressExecutions,
    ) -> None:
        self._cloud = cloud
        self._machines = machines
        self._checks = checks
        self._records = records
        self._executions = executions
        self._express = express

    async def create_state_machine(self, call: OperationCall) -> Members:
        """Create a machine; a repeated request returns the same machine."""
        params = call.params
        name, kind = checked_name(params["name"]), params.get("type", "STANDARD")
        _check_description(params)
        check_role(params["roleArn"])
        await self._checks.check(params["definition"], kind)
        check_encryption(params.get("encryptionConfiguration"))
        await check_logging(self._cloud, params.get("loggingConfiguration"))
        arn = self._cloud.arn("states", f"stateMachine:{name}")
        revision = new_revision(arn, params, None)
        created = revision.updated
        found = self._machines.find(arn)
        if found is None and not await self._machines.create(arn, name, kind, revision, params.get("tags", [])):
            found = self._machines.get(arn)  # another request created it in the meantime
        if found is not None:
            if found.type != kind or _differs(found.revision, revision):
                raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
            created, revision = found.created, found.revision
        response = {"stateMachineArn": arn, "creationDate": created}
        if params.get("publish"):
            version, _ = await self._machines.publish(arn, revision.id, params.get("versionDescription"))
            response["stateMachineVersionArn"] = version
        return response

    async def describe_state_machine(self, call: OperationCall) -> Members:
        """Describe a machine or one of its versions."""
        machine = self._machines.get(call.params["stateMachineArn"])
        if machine.alias is not None:
            raise no_machine(machine.alias)
        response = {
            "stateMachineArn": machine.version or machine.arn,
            "name": machine.name,
            "status": "ACTIVE",
            "type": machine.type,
            "creationDate": machine.created,
            **await self._described(machine.revision),
        }
        if machine.description is not None:
            response["description"] = machine.description
        return response

    async def describe_state_machine_for_execution(self, call: OperationCall) -> Members:
        """Describe the machine as it was when an execution started."""
        row = self._records.get(execution_arn(call.params["executionArn"]))
        found = self._cloud.store.row("SELECT * FROM sfn_revisions WHERE id = ?", row["revision"])
        assert found is not None
        revision = Revision.of(found)
        return {
            "stateMachineArn": row["machine"],
            "name": last_part(row["machine"]),
            "updateDate": revision.updated,
            **await self._described(revision),
        }

    async def _described(self, revision: Revision) -> Members:
        """Return the members that the Describe operations share."""
        described = revision.describe()
        if references := await self._checks.variable_references(revision.definition):
            described["variableReferences"] = references
        return described

    async def update_state_machine(self, call: OperationCall) -> Members:
        """Change a machine; running executions keep the revision that they started with."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        if machine.version is not None:
            raise no_machine(machine.version)
        settings = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
        if not any(params.get(member) is not None for member in settings):
            raise ServiceError(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
                "must be specified",
            )
        _check_description(params)
        if params.get("roleArn") is not None:
            check_role(params["roleArn"])
        if params.get("definition") is not None:
            await self._checks.check(params["definition"], machine.type)
        check_encryption(params.get("encryptionConfiguration"))
        await check_logging(self._cloud, params.get("loggingConfiguration"))
        machine = self._machines.get(params["stateMachineArn"])  # another update may have happened in the meantime
        revision = new_revision(machine.arn, params, machine.revision)
        if revision.content() == machine.revision.content():
            updated, revision = revision.updated, machine.revision
        else:
            await self._machines.update(revision)
            updated = revision.updated
        response: dict[str, Any] = {"updateDate": updated}
        if not revision.initial:
            response["revisionId"] = revision.id
        if params.get("publish"):
            # AWS publishes a second version of a revision if its description differs (verified by moto's authors).
            version, _ = await self._machines.publish(
                machine.arn, revision.id, params.get("versionDescription"), same_description=True
            )
            response["stateMachineVersionArn"] = version
        return response

    async def list_state_machines(self, call: OperationCall) -> Members:
        """List machines in the order of their names."""
        size = page_size(call.params)
        # the ARNs differ only in the names
        sql = "SELECT * FROM sfn_machines WHERE arn > ? ORDER BY arn LIMIT ?"
        rows = self._cloud.store.rows(sql, after_text(call.params), size + 1)
        return page("stateMachines", [(row["arn"], _listed(row)) for row in rows], size)

    async def delete_state_machine(self, call: OperationCall) -> Members:
        """Delete a machine, then abort its executions; as on AWS, it is not an error if it does not exist."""
        arn, qualifier = machine_arn(call.params["stateMachineArn"])
        if qualifier is not None:  # AWS's message for this is unknown
            message = f"Delete a state machine by its unqualified ARN; {call.params['stateMachineArn']} is qualified"
            raise ServiceError("ValidationException", message)
        await self._machines.delete(arn)
        self._executions.stop_machine(arn)
        self._express.stop_machine(arn)
        return {}

    async def validate_state_machine_definition(self, call: OperationCall) -> Members:
        """Return the errors that AWS would find in a definition, or its warnings if there are no errors.

        Warnings are returned only for the severity WARNING.
        """
        params = call.params
        faults = await self._checks.diagnose(params["definition"], params.get("type", "STANDARD"))
        found = [("ERROR", fault) for fault in faults]
        if params.get("severity") == "WARNING" and not faults:
            document = await asyncio.to_thread(json.loads, params["definition"])
            found = [("WARNING", warning) for warning in await asyncio.to_thread(warnings, document)]
        limit = params.get("maxResults") or _MAX_DIAGNOSTICS
        diagnostics = []
        for severity, each in found[:limit]:
            shown = {"severity": severity, "code": each.code, "message": each.message}
            if each.location is not None:
                shown["location"] = each.location
            diagnostics.append(shown)
        return {"result": "FAIL" if faults else "OK", "diagnostics": diagnostics, "truncated": len(found) > limit}


def _check_description(params: Members) -> None:
    if params.get("versionDescription") and not params.get("publish"):
        raise ServiceError("ValidationException", "Version description can only be set when publish is true")


def _differs(old: Revision, new: Revision) -> bool:
    """Return True if a Create request differs from the existing machine; roles and tags do not count."""
    settings = ("definition", "logging", "tracing", "encryption")
    return any(getattr(old, name) != getattr(new, name) for name in settings)


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "stateMachineArn": row["arn"],
        "name": row["name"],
        "type": row["type"],
        "creationDate": row["created"],
    }
