"""Operations on users."""

from __future__ import annotations

from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import new_unique_id
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.access_keys import AccessKeys
from scones.cloud.services.iam.callers import user_of
from scones.cloud.services.iam.errors import delete_conflict
from scones.cloud.services.iam.group_members import GroupMembers
from scones.cloud.services.iam.identity_policies import IdentityPolicies
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.permissions_boundaries import permissions_boundary
from scones.cloud.services.iam.policy_records import PolicyRecords
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.services.iam.tags import new_tags
from scones.cloud.wire.members import Members


class UserOperations:
    """Operations that create, change, list and delete users."""

    def __init__(
        self,
        cloud: CloudContext,
        users: ResourceRecords,
        possessions: UserPossessions,
        policies: PolicyRecords,
    ) -> None:
        self._account = cloud.settings.account
        self._users = users
        self._possessions = possessions
        self._policies = policies

    async def create_user(self, call: OperationCall) -> Members:
        """Create a user without keys and password."""
        params = call.params
        name, path, tags = params["UserName"], params.get("Path", "/"), new_tags(params.get("Tags", []))
        user: Members = {
            "Path": path,
            "UserName": name,
            "UserId": new_unique_id("AIDA"),
            "Arn": self._arn(path, name),
            "CreateDate": datetime.now(UTC).timestamp(),
        }
        if boundary := permissions_boundary(self._policies, params):
            user["PermissionsBoundary"] = boundary
        await self._users.create(name, user, tags)
        return {"User": self._users.with_tags(name)}

    async def get_user(self, call: OperationCall) -> Members:
        """Return a user; without a name, the user that signed the request."""
        name = call.params.get("UserName")
        if name is not None:
            return {"User": self._users.with_tags(name)}
        caller = call.caller
        if caller.arn.endswith(":root"):
            return {"User": {"UserId": caller.user_id, "Arn": caller.arn}}
        return {"User": self._users.with_tags(user_of(caller))}

    async def list_users(self, call: OperationCall) -> Members:
        """List users below a path, without their tags and boundaries, as on AWS."""
        users = [{**user, "PermissionsBoundary": None} for user in self._users.all(call.params.get("PathPrefix", "/"))]
        return list_page("Users", users, call.params)

    async def update_user(self, call: OperationCall) -> Members:
        """Rename a user or move it to another path; its keys, policies and groups stay."""
        params = call.params
        name = params["UserName"]
        user = self._users.get(name)
        new_name: str = params.get("NewUserName") or name
        path: str = params.get("NewPath") or user["Path"]
        changed = {**user, "UserName": new_name, "Path": path, "Arn": self._arn(path, new_name)}
        await self._users.replace(name, changed, new_name)
        await self._possessions.rename(name, changed)
        return {}

    async def delete_user(self, call: OperationCall) -> Members:
        """Delete a user; raises `DeleteConflict` if something that belongs to the user exists."""
        name = call.params["UserName"]
        self._users.get(name)
        self._possessions.check_none(name)
        await self._users.delete(name)
        return {}

    def _arn(self, path: str, name: str) -> str:
        return str(Arn(service="iam", account=self._account, resource=f"user{path}{name}"))


class UserPossessions:
    """What belongs to users: policies, keys, memberships in groups, passwords and other credentials."""

    def __init__(
        self,
        policies: IdentityPolicies,
        keys: AccessKeys,
        members: GroupMembers,
        login_profiles: ResourceRecords,
        service_credentials: ResourceRecords,
    ) -> None:
        self._policies = policies
        self._keys = keys
        self._members = members
        self._login_profiles = login_profiles
        self._service_credentials = service_credentials

    def check_none(self, user: str) -> None:
        """Raise `ServiceError` (DeleteConflict) if something belongs to a user."""
        if self._members.groups_of(user):
            raise delete_conflict("remove users from group")
        if self._policies.attached(user):
            raise delete_conflict("detach all policies")
        if self._policies.inline(user):
            raise delete_conflict("delete policies")
        if self._keys.of_user(user):
            raise delete_conflict("delete access keys")
        if self._login_profiles.find(user):
            raise delete_conflict("delete login profile")
        if any(each["UserName"] == user for each in self._service_credentials.all()):
            raise delete_conflict("remove referenced objects")

    async def rename(self, user: str, changed: Members) -> None:
        """Pass what belongs to a user on to its new name and ARN."""
        new_name = changed["UserName"]
        await self._keys.rename(user, new_name)
        if new_name == user:
            return
        await self._policies.rename(user, new_name)
        await self._members.rename_user(user, new_name)
        if profile := self._login_profiles.find(user):
            await self._login_profiles.replace(user, {**profile, "UserName": new_name}, new_name)
        for each in self._service_credentials.all():
            if each["UserName"] == user:
                changed_credential = {**each, "UserName": new_name}
                await self._service_credentials.replace(each["ServiceSpecificCredentialId"], changed_credential)
