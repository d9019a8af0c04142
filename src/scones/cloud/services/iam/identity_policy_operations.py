"""Operations on the policies of roles, users and groups."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.iam.identity_policies import IdentityPolicies
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.wire.members import Members


class RolePolicyOperations:
    """Operations on the policies of roles."""

    def __init__(self, roles: RoleRecords, policies: IdentityPolicies) -> None:
        self._roles = roles
        self._policies = policies

    async def put_role_policy(self, call: OperationCall) -> Members:
        """Create or replace an inline policy."""
        return await self._policies.put(self._owner(call), call)

    async def get_role_policy(self, call: OperationCall) -> Members:
        """Return an inline policy."""
        return self._policies.get(self._owner(call), call)

    async def list_role_policies(self, call: OperationCall) -> Members:
        """List the names of a role's inline policies."""
        return self._policies.list_inline(self._owner(call), call)

    async def delete_role_policy(self, call: OperationCall) -> Members:
        """Delete an inline policy."""
        return await self._policies.delete(self._owner(call), call)

    async def attach_role_policy(self, call: OperationCall) -> Members:
        """Attach a managed policy to a role."""
        return await self._policies.attach(self._owner(call), call)

    async def detach_role_policy(self, call: OperationCall) -> Members:
        """Detach a managed policy from a role."""
        return await self._policies.detach(self._owner(call), call)

    async def list_attached_role_policies(self, call: OperationCall) -> Members:
        """List a role's managed policies."""
        return self._policies.list_attached(self._owner(call), call)

    def _owner(self, call: OperationCall) -> str:
        """Return the name of the role that a request names; raises `ServiceError` (NoSuchEntity)."""
        name: str = call.params["RoleName"]
        self._roles.get(name)
        return name


class UserPolicyOperations:
    """Operations on the policies of users."""

    def __init__(self, users: ResourceRecords, policies: IdentityPolicies) -> None:
        self._users = users
        self._policies = policies

    async def put_user_policy(self, call: OperationCall) -> Members:
        """Create or replace an inline policy."""
        return await self._policies.put(self._owner(call), call)

    async def get_user_policy(self, call: OperationCall) -> Members:
        """Return an inline policy."""
        return self._policies.get(self._owner(call), call)

    async def list_user_policies(self, call: OperationCall) -> Members:
        """List the names of a user's inline policies."""
        return self._policies.list_inline(self._owner(call), call)

    async def delete_user_policy(self, call: OperationCall) -> Members:
        """Delete an inline policy."""
        return await self._policies.delete(self._owner(call), call)

    async def attach_user_policy(self, call: OperationCall) -> Members:
        """Attach a managed policy to a user."""
        return await self._policies.attach(self._owner(call), call)

    async def detach_user_policy(self, call: OperationCall) -> Members:
        """Detach a managed policy from a user."""
        return await self._policies.detach(self._owner(call), call)

    async def list_attached_user_policies(self, call: OperationCall) -> Members:
        """List a user's managed policies."""
        return self._policies.list_attached(self._owner(call), call)

    def _owner(self, call: OperationCall) -> str:
        """Return the name of the user that a request names; raises `ServiceError` (NoSuchEntity)."""
        name: str = call.params["UserName"]
        self._users.get(name)
        return name


class GroupPolicyOperations:
    """Operations on the policies of groups."""

    def __init__(self, groups: ResourceRecords, policies: IdentityPolicies) -> None:
        self._groups = groups
        self._policies = policies

    async def put_group_policy(self, call: OperationCall) -> Members:
        """Create or replace an inline policy."""
        return await self._policies.put(self._owner(call), call)

    async def get_group_policy(self, call: OperationCall) -> Members:
        """Return an inline policy."""
        return self._policies.get(self._owner(call), call)

    async def list_group_policies(self, call: OperationCall) -> Members:
        """List the names of a group's inline policies."""
        return self._policies.list_inline(self._owner(call), call)

    async def delete_group_policy(self, call: OperationCall) -> Members:
        """Delete an inline policy."""
        return await self._policies.delete(self._owner(call), call)

    async def attach_group_policy(self, call: OperationCall) -> Members:
        """Attach a managed policy to a group."""
        return await self._policies.attach(self._owner(call), call)

    async def detach_group_policy(self, call: OperationCall) -> Members:
        """Detach a managed policy from a group."""
        return await self._policies.detach(self._owner(call), call)

    async def list_attached_group_policies(self, call: OperationCall) -> Members:
        """List a group's managed policies."""
        return self._policies.list_attached(self._owner(call), call)

    def _owner(self, call: OperationCall) -> str:
        """Return the name of the group that a request names; raises `ServiceError` (NoSuchEntity)."""
        name: str = call.params["GroupName"]
        self._groups.get(name)
        return name
