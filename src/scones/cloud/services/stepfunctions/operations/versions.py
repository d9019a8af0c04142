"""The operations on versions: published revisions of a machine, which never change."""

from __future__ import annotations

import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.arns import is_version, machine_arn
from scones.cloud.services.stepfunctions.operations.aliases import routed_versions
from scones.cloud.services.stepfunctions.operations.paging import LAST, after_number, page, page_size
from scones.cloud.services.stepfunctions.state_machines import StateMachines, no_machine
from scones.cloud.wire.members import Members


class VersionOperations:
    """Step Functions' operations on versions."""

    def __init__(self, cloud: CloudContext, machines: StateMachines) -> None:
        self._cloud = cloud
        self._machines = machines

    async def publish_state_machine_version(self, call: OperationCall) -> Members:
        """Publish the machine's current revision."""
        params = call.params
        machine = self._machines.get(params["stateMachineArn"])
        if machine.version is not None:  # AWS's error for UpdateStateMachine; that of this operation is unknown
            raise no_machine(params["stateMachineArn"])
        revision_id, current_id = params.get("revisionId"), machine.revision.id
        if (
            revision_id is not None
            and revision_id != current_id
            and not (revision_id == "INITIAL" and machine.revision.initial)
        ):
            raise ServiceError(
                "ConflictException",
                f"Failed to publish the State Machine version for revision {revision_id}. "
                f"The current State Machine revision is {current_id}.",
                status=409,
            )
        version, created = await self._machines.publish(machine.arn, current_id, params.get("description"))
        return {"stateMachineVersionArn": version, "creationDate": created}

    async def list_state_machine_versions(self, call: OperationCall) -> Members:
        """List versions, newest first."""
        arn, _ = machine_arn(call.params["stateMachineArn"])
        size = page_size(call.params)
        rows = self._cloud.store.rows(
            "SELECT * FROM sfn_versions WHERE machine = ? AND number < ? ORDER BY number DESC LIMIT ?",
            arn,
            after_number(call.params, LAST),
            size + 1,
        )
        listed = [
            (row["number"], {"stateMachineVersionArn": row["arn"], "creationDate": row["created"]}) for row in rows
        ]
        return page("stateMachineVersions", listed, size)

    async def delete_state_machine_version(self, call: OperationCall) -> Members:
        """Delete a version that no alias refers to; as on AWS, it is not an error if it does not exist."""
        arn: str = call.params["stateMachineVersionArn"]
        if not is_version(arn):
            raise ServiceError("ValidationException", f"{arn} is not the ARN of a version")
        machine, _ = machine_arn(arn)

        def delete(connection: sqlite3.Connection) -> None:
            rows = connection.execute("SELECT * FROM sfn_aliases WHERE machine = ? ORDER BY rowid", (machine,))
            names = [row["name"] for row in rows if arn in routed_versions(row)]
            if names:
                raise ServiceError(
                    "ConflictException",
                    "Version to be deleted must not be referenced by an alias. Current list of aliases referencing "
                    f"this version: [{', '.join(names)}]",
                    status=409,
                )
            connection.execute("DELETE FROM sfn_versions WHERE arn = ?", (arn,))

        await self._cloud.store.write(delete)
        return {}
