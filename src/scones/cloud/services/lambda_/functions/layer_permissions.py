"""Operations on the policies of layer versions, which are recorded but not enforced, like all policies here."""

from __future__ import annotations

import json
import re

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import last_part, root_arn
from scones.cloud.core.json_types import JsonDocument
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.function_records import new_revision
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS layer_policies (
        name TEXT NOT NULL, version INTEGER NOT NULL, revision TEXT NOT NULL, statements TEXT NOT NULL,
        PRIMARY KEY (name, version), FOREIGN KEY (name, version) REFERENCES layer_versions(name, version)
    ) WITHOUT ROWID
"""


class LayerPermissionOperations:
    """Operations on the policies of layer versions."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud

    async def add_layer_version_permission(self, call: OperationCall) -> OperationOutput:
        """Add a statement to a layer version's policy."""
        params = call.params
        name, version = self._layer(params)
        statements = self._statements(name, version, params)
        sid = params["StatementId"]
        if any(each["Sid"] == sid for each in statements):
            message = (
                f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the "
                "existing statement."
            )
            raise ServiceError("ResourceConflictException", message, 409)
        statement = self._statement(name, version, params)
        revision = await self._put(name, version, [*statements, statement])
        return OperationOutput({"Statement": json.dumps(statement), "RevisionId": revision}, 201)

    async def get_layer_version_policy(self, call: OperationCall) -> Members:
        """Return a layer version's policy."""
        name, version = self._layer(call.params)
        statements = self._statements(name, version, {})
        if not statements:
            raise _not_found("No policy is associated with the given resource.")
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return {"Policy": json.dumps(policy), "RevisionId": self._revision(name, version)}

    async def remove_layer_version_permission(self, call: OperationCall) -> OperationOutput:
        """Remove a statement from a layer version's policy."""
        name, version = self._layer(call.params)
        statements, sid = self._statements(name, version, call.params), call.params["StatementId"]
        kept = [each for each in statements if each["Sid"] != sid]
        if len(kept) == len(statements):
            raise _not_found(f"Statement {sid} is not found in resource policy.")
        await self._put(name, version, kept)
        return OperationOutput({}, 204)

    def _layer(self, params: Members) -> tuple[str, int]:
        """Return the name and the number of a layer version; raises `ResourceNotFoundException`."""
        name, version = last_part(params["LayerName"]), params["VersionNumber"]
        found = self._cloud.store.row(
            "SELECT 1 FROM layer_versions WHERE name = ? AND version = ? AND NOT deleted", name, version
        )
        if found is None:
            raise _not_found(f"Layer version {self._arn(name, version)} does not exist.")
        return name, version

    def _statement(self, name: str, version: int, params: Members) -> JsonDocument:
        principal, organization = params["Principal"], params.get("OrganizationId")
        condition = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": organization}}} if organization else {}
        return {
            "Sid": params["StatementId"],
            "Effect": "Allow",
            "Principal": {"AWS": root_arn(principal)} if re.fullmatch("[0-9]{12}", principal) else principal,
            "Action": params["Action"],
            "Resource": self._arn(name, version),
            **condition,
        }

    def _revision(self, name: str, version: int) -> str | None:
        row = self._cloud.store.row("SELECT revision FROM layer_policies WHERE name = ? AND version = ?", name, version)
        return row["revision"] if row else None

    def _statements(self, name: str, version: int, params: Members) -> list[JsonDocument]:
        """Return the statements; raises `PreconditionFailedException` if `params` name another revision."""
        row = self._cloud.store.row(
            "SELECT statements FROM layer_policies WHERE name = ? AND version = ?", name, version
        )
        if "RevisionId" in params and params["RevisionId"] != self._revision(name, version):
            message = (
                "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to "
                "retrieve the latest Revision Id"
            )
            raise ServiceError("PreconditionFailedException", message, 412)
        statements: list[JsonDocument] = json.loads(row["statements"]) if row else []
        return statements

    async def _put(self, name: str, version: int, statements: list[JsonDocument]) -> str:
        """Replace the statements; return the new revision."""
        revision = new_revision()
        await self._cloud.store.execute(
            "INSERT OR REPLACE INTO layer_policies VALUES (?, ?, ?, ?)",
            name,
            version,
            revision,
            json.dumps(statements),
        )
        return revision

    def _arn(self, name: str, version: int) -> str:
        return self._cloud.arn("lambda", f"layer:{name}:{version}")


def _not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, 404)
