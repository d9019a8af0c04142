"""Instance profiles: containers of a role, which EC2 instances would use."""

from __future__ import annotations

from datetime import UTC, datetime

from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import new_unique_id
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import delete_conflict, limit_exceeded, no_such_entity
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.services.iam.tags import new_tags
from scones.cloud.wire.members import Members


class InstanceProfiles:
    """The stored instance profiles, with the descriptions of their roles."""

    def __init__(self, records: ResourceRecords, roles: RoleRecords) -> None:
        self.records = records
        self._roles = roles

    def get(self, name: str) -> Members:
        """Return a profile with its tags; raises `ServiceError` (NoSuchEntity)."""
        return self._described(self.records.with_tags(name))

    def all(self, path_prefix: str) -> list[Members]:
        """Return the profiles below a path."""
        return [self._described(each) for each in self.records.all(path_prefix)]

    def of_role(self, role: str) -> list[Members]:
        """Return the profiles that contain a role."""
        return [self._described(each) for each in self.records.all() if role in each["Roles"]]

    def _described(self, profile: Members) -> Members:
        return {**profile, "Roles": [self._roles.get(name) for name in profile["Roles"]]}


class InstanceProfileOperations:
    """Operations on instance profiles."""

    def __init__(self, account: str, profiles: InstanceProfiles, roles: RoleRecords) -> None:
        self._account = account
        self._profiles = profiles
        self._roles = roles

    async def create_instance_profile(self, call: OperationCall) -> Members:
        """Create an instance profile without a role."""
        params = call.params
        name, path, tags = params["InstanceProfileName"], params.get("Path", "/"), new_tags(params.get("Tags", []))
        profile: Members = {
            "Path": path,
            "InstanceProfileName": name,
            "InstanceProfileId": new_unique_id("AIPA"),
            "Arn": str(Arn(service="iam", account=self._account, resource=f"instance-profile{path}{name}")),
            "CreateDate": datetime.now(UTC).timestamp(),
            "Roles": [],
        }
        await self._profiles.records.create(name, profile, tags)
        return {"InstanceProfile": self._profiles.get(name)}

    async def get_instance_profile(self, call: OperationCall) -> Members:
        """Return an instance profile with its role."""
        return {"InstanceProfile": self._profiles.get(call.params["InstanceProfileName"])}

    async def list_instance_profiles(self, call: OperationCall) -> Members:
        """List the instance profiles below a path."""
        return list_page("InstanceProfiles", self._profiles.all(call.params.get("PathPrefix", "/")), call.params)

    async def list_instance_profiles_for_role(self, call: OperationCall) -> Members:
        """List the instance profiles that contain a role."""
        self._roles.get(call.params["RoleName"])
        return list_page("InstanceProfiles", self._profiles.of_role(call.params["RoleName"]), call.params)

    async def add_role_to_instance_profile(self, call: OperationCall) -> Members:
        """Put a role into an instance profile, which can contain one role."""
        name, role = call.params["InstanceProfileName"], call.params["RoleName"]
        profile = self._profiles.records.get(name)
        self._roles.get(role)
        if profile["Roles"]:
            raise limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
        await self._profiles.records.replace(name, {**profile, "Roles": [role]})
        return {}

    async def remove_role_from_instance_profile(self, call: OperationCall) -> Members:
        """Remove the role from an instance profile."""
        name, role = call.params["InstanceProfileName"], call.params["RoleName"]
        profile = self._profiles.records.get(name)
        if role not in profile["Roles"]:
            raise no_such_entity(f"The role with name {role} cannot be found.")
        await self._profiles.records.replace(name, {**profile, "Roles": []})
        return {}

    async def delete_instance_profile(self, call: OperationCall) -> Members:
        """Delete an instance profile; raises `DeleteConflict` if it contains a role."""
        name = call.params["InstanceProfileName"]
        if self._profiles.records.get(name)["Roles"]:
            raise delete_conflict("remove roles from instance profile")
        await self._profiles.records.delete(name)
        return {}
