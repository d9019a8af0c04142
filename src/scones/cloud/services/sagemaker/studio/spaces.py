"""Spaces, which hold the files of apps; a space belongs to a user profile or is shared by a domain's users."""

from __future__ import annotations

import asyncio

from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.studio.errors import in_use
from scones.cloud.services.sagemaker.studio.resources import StudioResources
from scones.cloud.wire.members import Members

_SUMMARY = ("SpaceName", "DomainId", "Status", "CreationTime", "LastModifiedTime")


class SpaceOperations:
    """Operations on spaces."""

    def __init__(self, studio: StudioResources) -> None:
        self._studio = studio

    async def create_space(self, call: OperationCall) -> Members:
        """Create a space, for an existing user profile if the request names an owner."""
        request = call.params
        domain = self._studio.domain(request["DomainId"])
        if ("OwnershipSettings" in request) != ("SpaceSharingSettings" in request):
            raise invalid("OwnershipSettings and SpaceSharingSettings must be given together.")
        if owner := request.get("OwnershipSettings", {}).get("OwnerUserProfileName"):
            self._studio.profiles.find(domain["DomainId"], owner)
        return await self._studio.spaces.create(request)

    async def describe_space(self, call: OperationCall) -> Members:
        """Describe a space, with its URL."""
        url = self._studio.domain(call.params["DomainId"])["Url"]
        space = self._studio.spaces.find(call.params["DomainId"], call.params["SpaceName"])
        return {**space, "Url": f"{url}/jupyterlab/default"}

    async def list_spaces(self, call: OperationCall) -> Members:
        """List spaces."""
        page, more = await self._studio.spaces.page(call.params)
        return {"Spaces": [_summary(each) for each in page], **more}

    async def update_space(self, call: OperationCall) -> Members:
        """Change a space's settings."""
        return await self._studio.spaces.update(call.params)

    async def delete_space(self, call: OperationCall) -> Members:
        """Delete a space without apps, and its files."""
        domain = call.params["DomainId"]
        document = self._studio.spaces.find(domain, call.params["SpaceName"])
        if self._studio.apps.exists(DomainId=domain, SpaceName=document["SpaceName"]):
            raise in_use("Space", document["SpaceArn"], "App")
        await self._studio.spaces.remove(domain, document["SpaceName"])
        await asyncio.to_thread(remove_tree, self._studio.apps.folder(document))
        return {}


def _summary(document: Document) -> Members:
    settings, ownership = document.get("SpaceSettings", {}), document.get("OwnershipSettings")
    summary = {key: document[key] for key in _SUMMARY}
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
