"""Studio: the operations and checks that involve several kinds of resources."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.studio.apps import SUPPORTED_TYPES, Apps
from scones.cloud.services.sagemaker.studio.domain_resources import SPACE, USER_PROFILE, DomainResources
from scones.cloud.services.sagemaker.studio.domains import Domains
from scones.cloud.services.sagemaker.studio.errors import in_use

EXPIRES, SESSION = 300, 43200
"""Default seconds for which a presigned URL is valid and for which its session lasts, as on AWS."""


class Studio:
    """The domains of a cloud, with their user profiles, spaces and apps."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self.domains = Domains(cloud)
        self.profiles = DomainResources(cloud, USER_PROFILE)
        self.spaces = DomainResources(cloud, SPACE)
        self.apps = Apps(cloud)

    async def create_profile(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a user profile of an existing domain; raises `ServiceError`."""
        self.domains.describe(request["DomainId"])
        if "SingleSignOnUserIdentifier" in request or "SingleSignOnUserValue" in request:
            raise invalid("SingleSignOnUserIdentifier and SingleSignOnUserValue are for domains with the AuthMode SSO.")
        return await self.profiles.create(request)

    async def create_space(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a space of an existing domain and, if the request names an owner, of an existing user profile.

        Raises `ServiceError`.
        """
        domain = self.domains.describe(request["DomainId"])
        if ("OwnershipSettings" in request) != ("SpaceSharingSettings" in request):
            raise invalid("OwnershipSettings and SpaceSharingSettings must be given together.")
        if owner := request.get("OwnershipSettings", {}).get("OwnerUserProfileName"):
            self.profiles.describe(domain["DomainId"], owner)
        return await self.spaces.create(request)

    def describe_space(self, domain: str, name: str) -> Document:
        """Return a space's document with its URL."""
        url = self.domains.describe(domain)["Url"]
        return {**self.spaces.describe(domain, name), "Url": f"{url}/jupyterlab/default"}

    async def create_app(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start an app for an existing user profile or in an existing space; raises `ServiceError`."""
        _one_owner(request)
        domain = self.domains.describe(request["DomainId"])
        return await self.apps.create(request, self._role(domain, request))

    def _role(self, domain: Document, request: dict[str, Any]) -> str | None:
        """Return the execution role of an app: that of its user profile, or the default of its domain.

        A shared space has no owner; its app uses the domain's DefaultSpaceSettings.
        """
        name, settings = request.get("UserProfileName"), domain.get("DefaultUserSettings", {})
        if "SpaceName" in request:
            space = self.spaces.describe(domain["DomainId"], request["SpaceName"])
            name = space.get("OwnershipSettings", {}).get("OwnerUserProfileName")
            if name is None:  # a shared space
                settings = domain.get("DefaultSpaceSettings", settings)
        if name is not None:
            settings = settings | self.profiles.describe(domain["DomainId"], name).get("UserSettings", {})
        role: str | None = settings.get("ExecutionRole")
        return role

    async def delete_domain(self, identifier: str, retention: dict[str, str]) -> None:
        """Delete a domain without user profiles and spaces; raises `ServiceError` (ResourceInUse) if it has any.

        Its files are kept unless the RetentionPolicy's HomeEfsFileSystem is Delete.
        """
        self.domains.describe(identifier)
        for members, title in ((self.profiles, "UserProfile"), (self.spaces, "Space")):
            if members.any(DomainId=identifier):
                raise in_use("Domain", self.domains.arn(identifier), title)
        await self.apps.remove_all(identifier)
        await self.domains.remove(identifier)
        if retention.get("HomeEfsFileSystem") == "Delete":
            await _remove(self._cloud.settings.data_dir / "studio" / identifier)

    async def delete_profile(self, domain: str, name: str) -> None:
        """Delete a user profile without apps and spaces; raises `ServiceError` (ResourceInUse) if it has any."""
        document = self.profiles.describe(domain, name)
        if self.apps.exists(DomainId=domain, UserProfileName=document["UserProfileName"]):
            raise in_use("UserProfile", document["UserProfileArn"], "App")
        if self.spaces.owned_by(domain, document["UserProfileName"]):
            raise in_use("UserProfile", document["UserProfileArn"], "Space")
        await self.profiles.remove(domain, name)

    async def delete_space(self, domain: str, name: str) -> None:
        """Delete a space without apps, and its files; raises `ServiceError` (ResourceInUse) if it has apps."""
        document = self.spaces.describe(domain, name)
        if self.apps.exists(DomainId=domain, SpaceName=document["SpaceName"]):
            raise in_use("Space", document["SpaceArn"], "App")
        await self.spaces.remove(domain, name)
        await _remove(self.apps.folder(document))

    def presigned_url(self, request: dict[str, Any]) -> str:
        """Return the URL, with a token, of an app of a space or of a user profile and the spaces that it owns.

        On AWS the URL opens Studio's pages, where users start apps. The local cloud has no such pages and needs an app
        that is InService. Raises `ServiceError` (ValidationException) if there is none.
        """
        domain, name = request["DomainId"], request["UserProfileName"]
        self.domains.describe(domain)
        profile = self.profiles.describe(domain, name)
        if "SpaceName" in request:
            candidates = [self.spaces.describe(domain, request["SpaceName"])]
        else:
            candidates = [profile, *self.spaces.owned_by(domain, profile["UserProfileName"])]
        requested = request.get("LandingUri", "").removeprefix("app:").partition(":")[0]
        for kind in [requested] if requested in SUPPORTED_TYPES else SUPPORTED_TYPES:
            for owner in candidates:
                member = "SpaceName" if "SpaceName" in owner else "UserProfileName"
                app = self.apps.running(DomainId=domain, AppType=kind, **{member: owner[member]})
                if app is not None:
                    expires = request.get("ExpiresInSeconds", EXPIRES)
                    return self.apps.address(app, expires, request.get("SessionExpirationDurationInSeconds", SESSION))
        raise invalid(
            f"No app of {request.get('SpaceName', name)} is InService: create one with CreateApp and AppType "
            "JupyterLab, and wait until DescribeApp shows InService."
        )


def _one_owner(request: dict[str, Any]) -> None:
    if ("UserProfileName" in request) == ("SpaceName" in request):
        raise invalid("Specify either UserProfileName or SpaceName.")


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(remove_tree, folder)
