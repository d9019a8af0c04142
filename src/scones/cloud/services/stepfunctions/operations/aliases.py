"""The operations on aliases: names for one version of a machine, or for two with weights."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.arns import is_alias, is_version, machine_arn
from scones.cloud.services.stepfunctions.operations.paging import after_number, page, page_size
from scones.cloud.services.stepfunctions.state_machines import StateMachines
from scones.cloud.wire.members import Members

_MAX_ALIASES = 100
"""AWS's quota: aliases per machine."""

Routing = list[dict[str, Any]]


class AliasOperations:
    """Step Functions' operations on aliases."""

    def __init__(self, cloud: CloudContext, machines: StateMachines) -> None:
        self._cloud = cloud
        self._machines = machines

    async def create_state_machine_alias(self, call: OperationCall) -> Members:
        """Create an alias; a repeated request returns the same alias."""
        params = call.params
        name, routing, description = params["name"], params["routingConfiguration"], params.get("description")
        machine = self._checked_routing(routing)
        arn, now, text = f"{machine}:{name}", time.time(), json.dumps(routing)

        def create(connection: sqlite3.Connection) -> float:
            found = connection.execute("SELECT * FROM sfn_aliases WHERE arn = ?", (arn,)).fetchone()
            if found is not None:
                if (found["description"], json.loads(found["routing"])) == (description, routing):
                    return float(found["created"])
                raise ServiceError(
                    "ConflictException",
                    "Failed to create alias because an alias with the same name and a different routing "
                    "configuration already exists.",
                    status=409,
                )
            (count,) = connection.execute("SELECT count(*) FROM sfn_aliases WHERE machine = ?", (machine,)).fetchone()
            if count >= _MAX_ALIASES:
                message = f"State machine {machine} has {_MAX_ALIASES} aliases, the maximum; delete one first"
                raise ServiceError("ServiceQuotaExceededException", message)
            connection.execute(
                "INSERT INTO sfn_aliases VALUES (?, ?, ?, ?, ?, ?, ?)",
                (arn, machine, name, description, text, now, now),
            )
            return now

        return {"stateMachineAliasArn": arn, "creationDate": await self._cloud.store.write(create)}

    async def describe_state_machine_alias(self, call: OperationCall) -> Members:
        """Describe an alias."""
        row = self._alias(call.params["stateMachineAliasArn"])
        response = {
            "stateMachineAliasArn": row["arn"],
            "name": row["name"],
            "routingConfiguration": json.loads(row["routing"]),
            "creationDate": row["created"],
            "updateDate": row["updated"],
        }
        if row["description"] is not None:
            response["description"] = row["description"]
        return response

    async def update_state_machine_alias(self, call: OperationCall) -> Members:
        """Change an alias's description or its routing configuration."""
        params = call.params
        row = self._alias(params["stateMachineAliasArn"])
        description, routing = params.get("description"), params.get("routingConfiguration")
        if description is None and routing is None:
            raise ServiceError("ValidationException", "Either the description or the routing configuration must be set")
        if routing is not None and self._checked_routing(routing) != row["machine"]:
            raise ServiceError(
                "ValidationException",
                f"Routing configuration must contain versions of {row['machine']}. Received: {_arns(routing)}",
            )
        now = time.time()
        await self._cloud.store.execute(
            "UPDATE sfn_aliases SET description = coalesce(?, description), routing = coalesce(?, routing), updated = ?"
            " WHERE arn = ?",
            *(description, None if routing is None else json.dumps(routing), now, row["arn"]),
        )
        return {"updateDate": now}

    async def delete_state_machine_alias(self, call: OperationCall) -> Members:
        """Delete an alias; as on AWS, it is not an error if it does not exist."""
        arn = _checked_arn(call.params["stateMachineAliasArn"])
        await self._cloud.store.execute("DELETE FROM sfn_aliases WHERE arn = ?", arn)
        return {}

    async def list_state_machine_aliases(self, call: OperationCall) -> Members:
        """List the aliases of a machine or of a version, oldest first, as recorded on AWS."""
        given = call.params["stateMachineArn"]
        machine = self._machines.get(given)
        size = page_size(call.params)
        rows = self._cloud.store.rows(
            "SELECT rowid, * FROM sfn_aliases WHERE machine = ? AND rowid > ? ORDER BY rowid",
            machine.arn,
            after_number(call.params, 0),
        )
        listed = [
            (row["rowid"], {"stateMachineAliasArn": row["arn"], "creationDate": row["created"]})
            for row in rows
            if machine.version is None or machine.version in routed_versions(row)
        ]
        return page("stateMachineAliases", listed, size)

    def _alias(self, arn: str) -> sqlite3.Row:
        row = self._cloud.store.row("SELECT * FROM sfn_aliases WHERE arn = ?", _checked_arn(arn))
        if row is None:
            raise _not_found()
        return row

    def _checked_routing(self, routing: Routing) -> str:
        """Return the ARN of the machine of a routing configuration's versions; raise AWS's error if it is invalid."""
        arns, weights = [each["stateMachineVersionArn"] for each in routing], [each["weight"] for each in routing]
        if len(set(arns)) < len(arns):
            raise _invalid_routing("contain distinct state machine version ARNs", arns)
        if not all(is_version(arn) for arn in arns):
            raise _invalid_routing("contain state machine version ARNs", arns)
        if sum(weights) != 100:
            message = f"Sum of routing configuration weights must equal 100. Received: {weights}"
            raise ServiceError("ValidationException", message)
        machines = {machine_arn(arn)[0] for arn in arns}
        if len(machines) > 1:
            raise _invalid_routing("contain versions of one state machine", arns)
        for arn in arns:
            if self._machines.find(arn) is None:
                raise _not_found()
        return machines.pop()


def routed_versions(row: sqlite3.Row) -> list[str]:
    """Return the ARNs of the versions in the row of an alias."""
    return [each["stateMachineVersionArn"] for each in json.loads(row["routing"])]


def _checked_arn(arn: str) -> str:
    if not is_alias(arn):
        raise ServiceError("ValidationException", f"{arn} is not the ARN of an alias")
    return arn


def _not_found() -> ServiceError:
    return ServiceError("ResourceNotFound", "Request references a resource that does not exist.")


def _arns(routing: Routing) -> str:
    return f"[{', '.join(each['stateMachineVersionArn'] for each in routing)}]"


def _invalid_routing(requirement: str, arns: list[str]) -> ServiceError:
    return ServiceError(
        "ValidationException", f"Routing configuration must {requirement}. Received: [{', '.join(arns)}]"
    )
