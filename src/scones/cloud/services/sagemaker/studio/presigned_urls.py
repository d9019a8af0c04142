"""Presigned URLs, which open apps in a browser."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.services.sagemaker.studio.apps import SUPPORTED_TYPES
from scones.cloud.services.sagemaker.studio.resources import StudioResources
from scones.cloud.wire.members import Members

EXPIRES, SESSION = 300, 43200
"""Default seconds for which a presigned URL is valid and for which its session lasts, as on AWS."""


class PresignedUrlOperations:
    """The operation that returns presigned URLs."""

    def __init__(self, studio: StudioResources) -> None:
        self._studio = studio

    async def create_presigned_domain_url(self, call: OperationCall) -> Members:
        """Return the URL, with a token, of an app of a space or of a user profile and the spaces that it owns.

        On AWS the URL opens Studio's pages, where users start apps. The local cloud has no such pages and needs an app
        that is InService.
        """
        request = call.params
        domain, name = request["DomainId"], request["UserProfileName"]
        self._studio.domain(domain)
        profile = self._studio.profiles.find(domain, name)
        if "SpaceName" in request:
            candidates = [self._studio.spaces.find(domain, request["SpaceName"])]
        else:
            candidates = [profile, *self._studio.spaces.owned_by(domain, profile["UserProfileName"])]
        requested = request.get("LandingUri", "").removeprefix("app:").partition(":")[0]
        for kind in [requested] if requested in SUPPORTED_TYPES else SUPPORTED_TYPES:
            for owner in candidates:
                member = "SpaceName" if "SpaceName" in owner else "UserProfileName"
                app = self._studio.apps.running(DomainId=domain, AppType=kind, **{member: owner[member]})
                if app is not None:
                    expires = request.get("ExpiresInSeconds", EXPIRES)
                    session = request.get("SessionExpirationDurationInSeconds", SESSION)
                    return {"AuthorizedUrl": self._studio.apps.address(app, expires, session)}
        raise invalid(
            f"No app of {request.get('SpaceName', name)} is InService: create one with CreateApp and AppType "
            "JupyterLab, and wait until DescribeApp shows InService."
        )
