"""Operations on groups and their members."""

from __future__ import annotations

from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import new_unique_id
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import delete_conflict, no_such_entity
from scones.cloud.services.iam.group_members import GroupMembers
from scones.cloud.services.iam.identity_policies import IdentityPolicies
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.wire.members import Members


class GroupOperations:
    """Operations that create, change, list and delete groups, and add and remove users."""

    def __init__(
        self,
        cloud: CloudContext,
        groups: ResourceRecords,
        users: ResourceRecords,
        members: GroupMembers,
        policies: IdentityPolicies,
    ) -> None:
        self._account = cloud.settings.account
        self._groups = groups
        self._users = users
        self._members = members
        self._policies = policies

    async def create_group(self, call: OperationCall) -> Members:
        """Create a group without members."""
        name, path = call.params["GroupName"], call.params.get("Path", "/")
        group: Members = {
            "Path": path,
            "GroupName": name,
            "GroupId": new_unique_id("AGPA"),
            "Arn": self._arn(path, name),
            "CreateDate": datetime.now(UTC).timestamp(),
        }
        await self._groups.create(name, group)
        return {"Group": group}

    async def get_group(self, call: OperationCall) -> Members:
        """Return a group with its users."""
        name = call.params["GroupName"]
        group = self._groups.get(name)
        users = [{**self._users.get(user), "PermissionsBoundary": None} for user in self._members.users_of(name)]
        return {"Group": group, **list_page("Users", users, call.params)}

    async def list_groups(self, call: OperationCall) -> Members:
        """List the groups below a path."""
        return list_page("Groups", self._groups.all(call.params.get("PathPrefix", "/")), call.params)

    async def list_groups_for_user(self, call: OperationCall) -> Members:
        """List the groups of a user."""
        name = call.params["UserName"]
        self._users.get(name)
        groups = [self._groups.get(group) for group in self._members.groups_of(name)]
        return list_page("Groups", groups, call.params)

    async def update_group(self, call: OperationCall) -> Members:
        """Rename a group or move it to another path; its members and policies stay."""
        params = call.params
        name = params["GroupName"]
        group = self._groups.get(name)
        new_name: str = params.get("NewGroupName") or name
        path: str = params.get("NewPath") or group["Path"]
        changed = {**group, "GroupName": new_name, "Path": path, "Arn": self._arn(path, new_name)}
        await self._groups.replace(name, changed, new_name)
        if new_name != name:
            await self._members.rename_group(name, new_name)
            await self._policies.rename(name, new_name)
        return {}

    async def add_user_to_group(self, call: OperationCall) -> Members:
        """Add a user to a group; a second time has no effect."""
        group, user = self._named(call)
        await self._members.add(group, user)
        return {}

    async def remove_user_from_group(self, call: OperationCall) -> Members:
        """Remove a user from a group; raises `ServiceError` (NoSuchEntity) if it is not a member."""
        group, user = self._named(call)
        if not await self._members.remove(group, user):
            raise no_such_entity(f"User {user} not in group {group}")
        return {}

    async def delete_group(self, call: OperationCall) -> Members:
        """Delete a group; raises `DeleteConflict` if it has users or policies."""
        name = call.params["GroupName"]
        self._groups.get(name)
        if self._members.users_of(name):
            raise delete_conflict("remove users from group")
        if self._policies.attached(name):
            raise delete_conflict("detach all policies")
        if self._policies.inline(name):
            raise delete_conflict("delete policies")
        await self._groups.delete(name)
        return {}

    def _named(self, call: OperationCall) -> tuple[str, str]:
        """Return the group and the user that a request names; raises `ServiceError` (NoSuchEntity)."""
        group, user = call.params["GroupName"], call.params["UserName"]
        self._groups.get(group)
        self._users.get(user)
        return group, user

    def _arn(self, path: str, name: str) -> str:
        return str(Arn(service="iam", account=self._account, resource=f"group{path}{name}"))
