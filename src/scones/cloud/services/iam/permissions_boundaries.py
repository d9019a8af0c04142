"""Permissions boundaries of roles and users; they are stored and returned."""

from __future__ import annotations

from scones.cloud.core.arns import is_arn
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import no_such_entity, validation_error
from scones.cloud.services.iam.policy_records import PolicyRecords
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.wire.members import Members


def permissions_boundary(policies: PolicyRecords, params: Members) -> Members | None:
    """Return the description of the boundary that a request names, or None; raises `ServiceError`."""
    arn = params.get("PermissionsBoundary")
    if arn is None:
        return None
    if not is_arn(arn) or ":policy/" not in arn:
        raise validation_error(f"Value ({arn}) for parameter PermissionsBoundary is invalid.")
    if policies.find(arn) is None:
        raise no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


class PermissionsBoundaryOperations:
    """Operations that set and delete the boundaries of roles and users."""

    def __init__(self, policies: PolicyRecords, roles: RoleRecords, users: ResourceRecords) -> None:
        self._policies = policies
        self._roles = roles
        self._users = users

    async def put_role_permissions_boundary(self, call: OperationCall) -> Members:
        """Set the boundary of a role."""
        self._roles.get(call.params["RoleName"])
        boundary = permissions_boundary(self._policies, call.params)
        await self._roles.set_members(call.params["RoleName"], {"PermissionsBoundary": boundary})
        return {}

    async def delete_role_permissions_boundary(self, call: OperationCall) -> Members:
        """Delete the boundary of a role."""
        await self._roles.set_members(call.params["RoleName"], {"PermissionsBoundary": None})
        return {}

    async def put_user_permissions_boundary(self, call: OperationCall) -> Members:
        """Set the boundary of a user."""
        name = call.params["UserName"]
        user = self._users.get(name)
        user["PermissionsBoundary"] = permissions_boundary(self._policies, call.params)
        await self._users.replace(name, user)
        return {}

    async def delete_user_permissions_boundary(self, call: OperationCall) -> Members:
        """Delete the boundary of a user."""
        name = call.params["UserName"]
        user = self._users.get(name)
        user.pop("PermissionsBoundary", None)
        await self._users.replace(name, user)
        return {}
