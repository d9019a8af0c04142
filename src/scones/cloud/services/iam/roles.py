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
from scones.cloud.services.iam.errors import already_exists, delete_conflict
from scones.cloud.services.iam.identity_policies import IdentityPolicies
from scones.cloud.services.iam.instance_profiles import InstanceProfiles
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.permissions_boundaries import permissions_boundary
from scones.cloud.services.iam.policy_documents import check_trust_policy
from scones.cloud.services.iam.policy_records import PolicyRecords
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.services.iam.tags import new_tags
from scones.cloud.wire.members import Members

SERVICE_PATH = "/aws-service-role/"
"""Path below which the service-linked roles are; their services own them."""


class RoleOperations:
    """Operations that create, change, list and delete roles."""

    def __init__(
        self,
        cloud: CloudContext,
        roles: RoleRecords,
        role_policies: IdentityPolicies,
        policies: PolicyRecords,
        instance_profiles: InstanceProfiles,
    ) -> None:
        self._account = cloud.settings.account
        self._store = cloud.store
        self._roles = roles
        self._role_policies = role_policies
        self._policies = policies
        self._instance_profiles = instance_profiles

    async def create_role(self, call: OperationCall) -> Members:
        """Create a role; its trust policy must be JSON. The output has no session duration, as on AWS."""
        params = call.params
        name, tags = params["RoleName"], new_tags(params.get("Tags", []))
        check_trust_policy(params["AssumeRolePolicyDocument"])
        role = new_role(self._account, params)
        role["PermissionsBoundary"] = permissions_boundary(self._policies, params)

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM roles WHERE name = ? COLLATE NOCASE", (name,)).fetchone():
                raise already_exists(f"Role with name {name} already exists.")
            connection.execute("INSERT INTO roles VALUES (?, ?, ?)", (name, json.dumps(role), json.dumps(tags)))

        await self._store.write(create)
        return {"Role": {**self._roles.with_tags(name), "MaxSessionDuration": None, "Description": None}}

    async def get_role(self, call: OperationCall) -> Members:
        """Return a role with its trust policy and tags; sessions are not recorded, so it was never last used."""
        return {"Role": {**self._roles.with_tags(call.params["RoleName"]), "RoleLastUsed": {}}}

    async def list_roles(self, call: OperationCall) -> Members:
        """List roles under a path prefix, by name, without tags and boundaries, as on AWS."""
        prefix = call.params.get("PathPrefix", "/")
        roles = [{**role, "PermissionsBoundary": None} for role in self._roles.all() if role["Path"].startswith(prefix)]
        return list_page("Roles", roles, call.params)

    async def update_role(self, call: OperationCall) -> Members:
        """Change a role's description and session duration; without a duration, it becomes an hour."""
        params = call.params
        changed = {
            "Description": params.get("Description", ""),
            "MaxSessionDuration": params.get("MaxSessionDuration", 3600),
        }
        await self._roles.set_members(params["RoleName"], changed)
        return {}

    async def update_role_description(self, call: OperationCall) -> Members:
        """Change a role's description, and return the role."""
        name = call.params["RoleName"]
        await self._roles.set_members(name, {"Description": call.params["Description"]})
        return {"Role": self._roles.get(name)}

    async def update_assume_role_policy(self, call: OperationCall) -> Members:
        """Replace a role's trust policy."""
        policy = call.params["PolicyDocument"]
        self._roles.get(call.params["RoleName"])
        check_trust_policy(policy)
        await self._roles.set_members(call.params["RoleName"], {"AssumeRolePolicyDocument": policy})
        return {}

    async def delete_role(self, call: OperationCall) -> Members:
        """Delete a role; raises `DeleteConflict` if it has policies or is in an instance profile."""
        name = call.params["RoleName"]
        if self._roles.get(name)["Path"].startswith(SERVICE_PATH):
            raise ServiceError(
                "UnmodifiableEntity",
                f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
            )
        if self._instance_profiles.of_role(name):
            raise delete_conflict("remove roles from instance profile")
        if self._role_policies.attached(name):
            raise delete_conflict("detach all policies")
        if self._role_policies.inline(name):
            raise delete_conflict("delete policies")
        await self._store.execute("DELETE FROM roles WHERE name = ?", name)
        return {}


def new_role(account: str, params: Members) -> Members:
    """Return the stored form of a new role, from the parameters of CreateRole."""
    name, path = params["RoleName"], params.get("Path", "/")
    arn = str(Arn(service="iam", account=account, resource=f"role{path}{name}"))
    return {
        "Path": path,
        "RoleName": name,
        "RoleId": unique_id("AROA", arn),
        "Arn": arn,
        "CreateDate": datetime.now(UTC).timestamp(),
        "AssumeRolePolicyDocument": params["AssumeRolePolicyDocument"],
        "Description": params.get("Description"),
        "MaxSessionDuration": params.get("MaxSessionDuration", 3600),
    }
