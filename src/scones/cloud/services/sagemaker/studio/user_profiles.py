"""User profiles: the users of a domain."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.services.sagemaker.studio.errors import in_use
from scones.cloud.services.sagemaker.studio.resources import StudioResources
from scones.cloud.wire.members import Members

_SUMMARY = ("UserProfileName", "DomainId", "Status", "CreationTime", "LastModifiedTime")


class UserProfileOperations:
    """Operations on user profiles."""

    def __init__(self, studio: StudioResources) -> None:
        self._studio = studio

    async def create_user_profile(self, call: OperationCall) -> Members:
        """Create a user profile."""
        request = call.params
        self._studio.domain(request["DomainId"])
        if "SingleSignOnUserIdentifier" in request or "SingleSignOnUserValue" in request:
            raise invalid("SingleSignOnUserIdentifier and SingleSignOnUserValue are for domains with the AuthMode SSO.")
        return await self._studio.profiles.create(request)

    async def describe_user_profile(self, call: OperationCall) -> Members:
        """Describe a user profile."""
        self._studio.domain(call.params["DomainId"])
        return self._studio.profiles.find(call.params["DomainId"], call.params["UserProfileName"])

    async def list_user_profiles(self, call: OperationCall) -> Members:
        """List user profiles."""
        page, more = await self._studio.profiles.page(call.params)
        return {"UserProfiles": [{key: each[key] for key in _SUMMARY} for each in page], **more}

    async def update_user_profile(self, call: OperationCall) -> Members:
        """Change a user profile's settings."""
        return await self._studio.profiles.update(call.params)

    async def delete_user_profile(self, call: OperationCall) -> Members:
        """Delete a user profile without apps and spaces."""
        domain = call.params["DomainId"]
        document = self._studio.profiles.find(domain, call.params["UserProfileName"])
        name = document["UserProfileName"]
        if self._studio.apps.exists(DomainId=domain, UserProfileName=name):
            raise in_use("UserProfile", document["UserProfileArn"], "App")
        if self._studio.spaces.owned_by(domain, name):
            raise in_use("UserProfile", document["UserProfileArn"], "Space")
        await self._studio.profiles.remove(domain, name)
        return {}
