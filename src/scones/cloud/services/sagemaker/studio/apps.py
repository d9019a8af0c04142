"""Apps: programs that run for a user profile or in a space."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.process.container_images import UnknownImageError
from scones.cloud.services.sagemaker.errors import not_supported
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.studio.app_server import AppServer
from scones.cloud.services.sagemaker.studio.errors import already_exists, not_found

SUPPORTED_TYPES = ("JupyterLab", "JupyterServer")
LIVE_STATUSES = ("Pending", "InService", "Deleting")
_SUMMARY = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName", "Status", "CreationTime", "ResourceSpec")
_SPECIFICATIONS = {"JupyterLab": {"InstanceType": "ml.t3.medium"}, "JupyterServer": {"InstanceType": "system"}}
_REASON = 1024
"""Maximum characters of a failure reason."""


class Apps:
    """The apps of all domains: documents in the store, and a server for each running app.

    Apps that ran when the cloud ended are started again with it. A deleted app is still listed, with the status
    Deleted: on AWS for a day, here until its domain is deleted. Its name may be used again.
    """

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._apps = ResourceTable(cloud.store, "app", "Status")
        self._servers: dict[str, AppServer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Plan to restart the apps of an earlier process."""
        for app in self._apps.all():
            if app.get("Status") == "Deleting":
                await self._set(_key(app), Status="Deleted")
            elif app.get("Status") in LIVE_STATUSES:
                self._cloud.resumption.plan([self._resumable(_key(app))])
                if not self._cloud.resumption.recover:
                    await self._set(_key(app), Status="Pending")

    def _resumable(self, key: str) -> ResumableWork:
        async def take_up() -> None:
            app = self._apps.get(key)
            if app is not None and app["Status"] in LIVE_STATUSES and key not in self._servers:
                self._launch(app, app.pop("Role", None))

        async def give_up(reason: str) -> None:
            await self._fail(key, f"The local cloud could not resume the app: {reason}.")

        return ResumableWork("app", key, take_up, give_up)

    async def stop(self) -> None:
        """Stop every server; the apps are started again with the cloud."""
        for keeper in self._tasks.values():
            keeper.cancel()
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    def folder(self, app: Document) -> Path:
        """Return the folder of an app's user profile or space, which holds the notebooks."""
        kind, name = ("spaces", app["SpaceName"]) if "SpaceName" in app else ("users", app["UserProfileName"])
        return self._cloud.settings.data_dir.joinpath("studio", app["DomainId"], kind, name.lower())

    async def create(self, request: dict[str, Any], role: str | None) -> dict[str, Any]:
        """Start an app with a role; raises `ServiceError` for an unsupported type or a name that a live app has."""
        kind = request["AppType"]
        if kind not in SUPPORTED_TYPES:
            raise not_supported(f"apps of type {kind}", "Use JupyterLab.")
        key, arn = _key(request), self._arn(request)
        there = self._apps.get(key)
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
        await self._apps.remove(key)
        if not await self._apps.add(key, arn, document, request.get("Tags", [])):
            raise already_exists()
        self._launch(document, role)
        return {"AppArn": arn}

    def describe(self, request: dict[str, Any]) -> Document:
        """Return an app's document; raises `ServiceError` (ResourceNotFound)."""
        document = self._apps.get(_key(request))
        if document is None:
            raise not_found("App", self._arn(request))
        return document

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of summaries."""
        names = ("DomainId", "UserProfileName", "SpaceName")
        equal = {name: params[f"{name}Equals"] for name in names if f"{name}Equals" in params}
        page, more = await self._apps.page(params, "Ascending", equal)
        return {"Apps": [{key: each[key] for key in _SUMMARY if key in each} for each in page], **more}

    def exists(self, **equal: Any) -> bool:
        """Return True if an app with these values exists that is not Deleted."""
        return any(self._apps.first(**equal, Status=status) for status in (*LIVE_STATUSES, "Failed"))

    async def delete(self, request: dict[str, Any]) -> None:
        """Start deleting an app; raises `ServiceError` (ResourceNotFound)."""
        key = _key(self.describe(request))
        if self.describe(request)["Status"] in ("Deleting", "Deleted"):
            return
        await self._set(key, Status="Deleting")
        self._cloud.spawn(self._end(key), f"app {key}")

    async def remove_all(self, domain: str) -> None:
        """Remove the documents of a domain's apps."""
        for app in self._apps.all():
            if app["DomainId"] == domain:
                await self._apps.remove(_key(app))

    def address(self, app: Document, expires: float, session: float) -> str:
        """Return the URL of an app that is InService; its token is valid for `expires` seconds.

        The session that it opens lasts `session` seconds.
        """
        return self._servers[_key(app)].address(expires, session)

    def running(self, **equal: Any) -> Document | None:
        """Return an app that is InService and has these values, or None."""
        return self._apps.first(**equal, Status="InService")

    def _arn(self, app: dict[str, Any]) -> str:
        owner = app.get("SpaceName") or app["UserProfileName"]
        return self._cloud.arn("sagemaker", f"app/{app['DomainId']}/{owner}/{app['AppType']}/{app['AppName']}".lower())

    def _launch(self, app: Document, role: str | None) -> None:
        key = _key(app)
        owner = app.get("SpaceName") or app["UserProfileName"]
        stream = f"{app['DomainId']}/{owner}/{app['AppType']}/{app['AppName']}"
        # Derived from the data folder's secret: the same after a restart, so that open browsers stay signed in.
        secret = self._cloud.credentials.secret_access_key.encode()
        token = hmac.new(secret, app["AppArn"].encode(), hashlib.sha256).hexdigest()
        server = AppServer(self._cloud, self.folder(app), token, stream, role)
        self._servers[key] = server
        self._tasks[key] = self._cloud.spawn(self._keep(key, server), f"app {key}")

    async def _keep(self, key: str, server: AppServer) -> None:
        """Start a server, wait until it ends, and record the status of its app meanwhile."""
        try:
            await server.start()
        except (UnknownImageError, OSError) as error:
            await self._fail(key, str(error))
            return
        if await server.ready():
            await self._set(key, Status="InService", LastHealthCheckTimestamp=time.time())
        status = await server.wait()
        await self._fail(key, f"JupyterLab exited with status {status}: {server.last_output}")

    async def _end(self, key: str) -> None:
        if keeper := self._tasks.pop(key, None):
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        if server := self._servers.pop(key, None):
            await server.stop()
        await self._set(key, Status="Deleted")

    async def _fail(self, key: str, reason: str) -> None:
        await self._set(key, Status="Failed", FailureReason=reason[:_REASON])

    async def _set(self, key: str, **members: Any) -> None:
        await self._apps.update(key, lambda document: document.update(members))


def _key(app: dict[str, Any]) -> str:
    owner = f"space/{app['SpaceName']}" if "SpaceName" in app else f"user/{app['UserProfileName']}"
    return f"{app['DomainId']}/{owner}/{app['AppType']}/{app['AppName']}".lower()
