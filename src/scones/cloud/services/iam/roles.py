"""Operations on roles."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import unique_id
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import no_role
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.policy_documents import check_policy_document
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.wire.members import Members


class RoleOperations:
    """Operations that create, change, list, delete and tag roles."""

    def __init__(self, cloud: CloudContext, roles: RoleRecords) -> None:
        self._account = cloud.settings.account
        self._store = cloud.store
        self._roles = roles

    async def create_role(self, call: OperationCall) -> Members:
        """Create a role; its trust policy must be JSON."""
        params = call.params
        name, path = params["RoleName"], params.get("Path", "/")
        check_policy_document(params["AssumeRolePolicyDocument"])
        arn = str(Arn(service="iam", account=self._account, resource=f"role{path}{name}"))
        role = {
            "Path": path,
            "RoleName": name,
            "RoleId": unique_id("AROA", arn),
            "Arn": arn,
            "CreateDate": datetime.now(UTC).timestamp(),
            "AssumeRolePolicyDocument": params["AssumeRolePolicyDocument"],
            "Description": params.get("Description"),
            "MaxSessionDuration": params.get("MaxSessionDuration", 3600),
        }
        tags = json.dumps({tag["Key"]: tag["Value"] for tag in params.get("Tags", [])})

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM roles WHERE name = ?", (name,)).fetchone():
                raise ServiceError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
            connection.execute("INSERT INTO roles VALUES (?, ?, ?)", (name, json.dumps(role), tags))

        await self._store.write(create)
        return {"Role": self._roles.role(name)}

    async def get_role(self, call: OperationCall) -> Members:
        """Return a role with its trust policy."""
        return {"Role": self._roles.role(call.params["RoleName"])}

    async def list_roles(self, call: OperationCall) -> Members:
        """List roles under a path prefix, by name."""
        prefix = call.params.get("PathPrefix", "/")
        return list_page(
            "Roles", [role for role in self._roles.roles() if role["Path"].startswith(prefix)], call.params
        )

    async def update_assume_role_policy(self, call: OperationCall) -> Members:
        """Replace a role's trust policy."""
        name, policy = call.params["RoleName"], call.params["PolicyDocument"]
        check_policy_document(policy)
        changed = await self._store.execute(
            "UPDATE roles SET document = json_set(document, '$.AssumeRolePolicyDocument', ?) WHERE name = ?",
            policy,
            name,
        )
        if not changed:
            raise no_role(name)
        return {}

    async def delete_role(self, call: OperationCall) -> Members:
        """Delete a role; raises `DeleteConflict` if it has policies."""
        name = call.params["RoleName"]
        self._roles.require(name)
        if self._store.row("SELECT 1 FROM role_policies WHERE role = ?", name):
            raise ServiceError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
        await self._store.execute("DELETE FROM roles WHERE name = ?", name)
        return {}

    async def tag_role(self, call: OperationCall) -> Members:
        """Add or change a role's tags."""
        name = call.params["RoleName"]
        self._roles.require(name)
        tags = json.dumps({tag["Key"]: tag["Value"] for tag in call.params["Tags"]})
        await self._store.execute("UPDATE roles SET tags = json_patch(tags, ?) WHERE name = ?", tags, name)
        return {}

    async def list_role_tags(self, call: OperationCall) -> Members:
        """List a role's tags."""
        return list_page("Tags", self._roles.role(call.params["RoleName"]).get("Tags", []), call.params)
