"""Studio's operations, each passed on to the class of its resource."""

from __future__ import annotations

from typing import Any

from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.studio.studio import Studio

_MEMBER = ("DomainId", "Status", "CreationTime", "LastModifiedTime")


class StudioOperations:
    """SageMaker's operations on domains, user profiles, spaces and apps."""

    studio: Studio

    async def create_domain(self, call: OperationCall) -> dict[str, Any]:
        """Create a domain."""
        return await self.studio.domains.create(call.params)

    async def describe_domain(self, call: OperationCall) -> dict[str, Any]:
        """Describe a domain."""
        return self.studio.domains.describe(call.params["DomainId"])

    async def list_domains(self, call: OperationCall) -> dict[str, Any]:
        """List domains."""
        return await self.studio.domains.list(call.params)

    async def update_domain(self, call: OperationCall) -> dict[str, Any]:
        """Change a domain's settings."""
        return await self.studio.domains.update(call.params)

    async def delete_domain(self, call: OperationCall) -> dict[str, Any]:
        """Delete a domain."""
        await self.studio.delete_domain(call.params["DomainId"], call.params.get("RetentionPolicy", {}))
        return {}

    async def create_user_profile(self, call: OperationCall) -> dict[str, Any]:
        """Create a user profile."""
        return await self.studio.create_profile(call.params)

    async def describe_user_profile(self, call: OperationCall) -> dict[str, Any]:
        """Describe a user profile."""
        self.studio.domains.describe(call.params["DomainId"])
        return self.studio.profiles.describe(call.params["DomainId"], call.params["UserProfileName"])

    async def list_user_profiles(self, call: OperationCall) -> dict[str, Any]:
        """List user profiles."""
        page, more = await self.studio.profiles.page(call.params)
        members = ("UserProfileName", *_MEMBER)
        return {"UserProfiles": [{key: each[key] for key in members} for each in page], **more}

    async def update_user_profile(self, call: OperationCall) -> dict[str, Any]:
        """Change a user profile's settings."""
        return await self.studio.profiles.update(call.params)

    async def delete_user_profile(self, call: OperationCall) -> dict[str, Any]:
        """Delete a user profile."""
        await self.studio.delete_profile(call.params["DomainId"], call.params["UserProfileName"])
        return {}

    async def create_space(self, call: OperationCall) -> dict[str, Any]:
        """Create a space."""
        return await self.studio.create_space(call.params)

    async def describe_space(self, call: OperationCall) -> dict[str, Any]:
        """Describe a space."""
        return self.studio.describe_space(call.params["DomainId"], call.params["SpaceName"])

    async def list_spaces(self, call: OperationCall) -> dict[str, Any]:
        """List spaces."""
        page, more = await self.studio.spaces.page(call.params)
        return {"Spaces": [_space(each) for each in page], **more}

    async def update_space(self, call: OperationCall) -> dict[str, Any]:
        """Change a space's settings."""
        return await self.studio.spaces.update(call.params)

    async def delete_space(self, call: OperationCall) -> dict[str, Any]:
        """Delete a space."""
        await self.studio.delete_space(call.params["DomainId"], call.params["SpaceName"])
        return {}

    async def create_app(self, call: OperationCall) -> dict[str, Any]:
        """Start an app."""
        return await self.studio.create_app(call.params)

    async def describe_app(self, call: OperationCall) -> dict[str, Any]:
        """Describe an app."""
        return self.studio.apps.describe(_app(call.params))

    async def list_apps(self, call: OperationCall) -> dict[str, Any]:
        """List apps."""
        return await self.studio.apps.list(call.params)

    async def delete_app(self, call: OperationCall) -> dict[str, Any]:
        """Start deleting an app."""
        await self.studio.apps.delete(_app(call.params))
        return {}

    async def create_presigned_domain_url(self, call: OperationCall) -> dict[str, Any]:
        """Return a URL that opens an app."""
        return {"AuthorizedUrl": self.studio.presigned_url(call.params)}


def _app(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that identify an app; raises `ServiceError` if they name no owner or two owners."""
    if ("UserProfileName" in params) == ("SpaceName" in params):
        raise invalid("Specify either UserProfileName or SpaceName.")
    return params


def _space(document: Document) -> dict[str, Any]:
    settings, ownership = document.get("SpaceSettings", {}), document.get("OwnershipSettings")
    summary = {key: document[key] for key in ("SpaceName", *_MEMBER)}
    settings_summary = {
        key: settings[key] for key in ("AppType", "RemoteAccess", "SpaceStorageSettings") if key in settings
    }
    summary["SpaceSettingsSummary"] = settings_summary
    if ownership is not None:
        summary["OwnershipSettingsSummary"] = ownership
        summary["SpaceSharingSettingsSummary"] = document["SpaceSharingSettings"]
    if "SpaceDisplayName" in document:
        summary["SpaceDisplayName"] = document["SpaceDisplayName"]
    return summary
