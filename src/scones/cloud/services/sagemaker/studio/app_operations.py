"""Apps: programs that run for a user profile or in a space."""

from __future__ import annotations

import time

from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid, not_supported
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.studio.apps import LIVE_STATUSES, SUPPORTED_TYPES, app_key
from scones.cloud.services.sagemaker.studio.errors import already_exists
from scones.cloud.services.sagemaker.studio.resources import StudioResources
from scones.cloud.wire.members import Members

_SUMMARY = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName", "Status", "CreationTime", "ResourceSpec")
_SPECIFICATIONS = {"JupyterLab": {"InstanceType": "ml.t3.medium"}, "JupyterServer": {"InstanceType": "system"}}


class AppOperations:
    """Operations on apps."""

    def __init__(self, studio: StudioResources) -> None:
        self._studio = studio

    async def create_app(self, call: OperationCall) -> Members:
        """Start an app for an existing user profile or in an existing space."""
        request = _with_one_owner(call.params)
        role = self._role(self._studio.domain(request["DomainId"]), request)
        kind = request["AppType"]
        if kind not in SUPPORTED_TYPES:
            raise not_supported(f"apps of type {kind}", "Use JupyterLab.")
        apps = self._studio.apps
        key, arn = app_key(request), apps.arn(request)
        there = apps.table.get(key)
        if there is not None and there["Status"] in LIVE_STATUSES:
            raise already_exists()
        document = {
            "ResourceSpec": _SPECIFICATIONS[kind],
            **{name: value for name, value in request.items() if name != "Tags"},
            "AppArn": arn,
            "Status": "Pending",
            "CreationTime": time.time(),
            "Role": role,
        }
        await apps.table.remove(key)
        if not await apps.table.add(key, arn, document, request.get("Tags", [])):
            raise already_exists()
        apps.launch(document, role)
        return {"AppArn": arn}

    async def describe_app(self, call: OperationCall) -> Members:
        """Describe an app."""
        return self._studio.apps.find(_with_one_owner(call.params))

    async def list_apps(self, call: OperationCall) -> Members:
        """List apps."""
        params = call.params
        names = ("DomainId", "UserProfileName", "SpaceName")
        equal = {name: params[f"{name}Equals"] for name in names if f"{name}Equals" in params}
        page, more = await self._studio.apps.table.page(params, "Ascending", equal)
        return {"Apps": [{key: each[key] for key in _SUMMARY if key in each} for each in page], **more}

    async def delete_app(self, call: OperationCall) -> Members:
        """Start deleting an app."""
        app = self._studio.apps.find(_with_one_owner(call.params))
        if app["Status"] not in ("Deleting", "Deleted"):
            await self._studio.apps.begin_deletion(app_key(app))
        return {}

    def _role(self, domain: Document, request: Members) -> str | None:
        """Return the execution role of an app: that of its user profile, or the default of its domain.

        A shared space has no owner; its app uses the domain's DefaultSpaceSettings.
        """
        name, settings = request.get("UserProfileName"), domain.get("DefaultUserSettings", {})
        if "SpaceName" in request:
            space = self._studio.spaces.find(domain["DomainId"], request["SpaceName"])
            name = space.get("OwnershipSettings", {}).get("OwnerUserProfileName")
            if name is None:  # a shared space
                settings = domain.get("DefaultSpaceSettings", settings)
        if name is not None:
            settings = settings | self._studio.profiles.find(domain["DomainId"], name).get("UserSettings", {})
        role: str | None = settings.get("ExecutionRole")
        return role


def _with_one_owner(params: Members) -> Members:
    """Return the parameters that identify an app; raises `ServiceError` if they name no owner or two owners."""
    if ("UserProfileName" in params) == ("SpaceName" in params):
        raise invalid("Specify either UserProfileName or SpaceName.")
    return params
