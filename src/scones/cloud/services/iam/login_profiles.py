"""Login profiles: whether a user may sign in to the console, which does not exist here; passwords are not stored."""

from __future__ import annotations

from datetime import UTC, datetime

from scones.cloud.service import OperationCall
from scones.cloud.services.iam.callers import user_of
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.wire.members import Members


class LoginProfileOperations:
    """Operations on login profiles."""

    def __init__(self, profiles: ResourceRecords, users: ResourceRecords) -> None:
        self._profiles = profiles
        self._users = users

    async def create_login_profile(self, call: OperationCall) -> Members:
        """Create the login profile of a user."""
        user = self._user(call)
        profile: Members = {
            "UserName": user,
            "CreateDate": datetime.now(UTC).timestamp(),
            "PasswordResetRequired": call.params.get("PasswordResetRequired", False),
        }
        await self._profiles.create(user, profile)
        return {"LoginProfile": profile}

    async def get_login_profile(self, call: OperationCall) -> Members:
        """Return the login profile of a user."""
        return {"LoginProfile": self._profiles.get(self._user(call))}

    async def update_login_profile(self, call: OperationCall) -> Members:
        """Change whether the password must be reset."""
        user = self._user(call)
        profile = self._profiles.get(user)
        reset = call.params.get("PasswordResetRequired", profile["PasswordResetRequired"])
        await self._profiles.replace(user, {**profile, "PasswordResetRequired": reset})
        return {}

    async def delete_login_profile(self, call: OperationCall) -> Members:
        """Delete the login profile of a user."""
        await self._profiles.delete(self._user(call))
        return {}

    def _user(self, call: OperationCall) -> str:
        name: str = call.params.get("UserName") or user_of(call.caller)
        self._users.get(name)
        return name
