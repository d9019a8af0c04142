"""The records and servers of apps, which run for a user profile or in a space."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import time
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.process.container_images import UnknownImageError
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.studio.app_server import AppServer
from scones.cloud.services.sagemaker.studio.errors import not_found
from scones.cloud.wire.members import Members, MemberValue

SUPPORTED_TYPES = ("JupyterLab", "JupyterServer")
LIVE_STATUSES = ("Pending", "InService", "Deleting")
_MAX_REASON = 1024
"""Maximum characters of a failure reason."""


class Apps:
    """The apps of all domains: `table` has their documents, and each running app has a server.

    Apps that ran when the cloud ended are started again with it. A deleted app is still listed, with the status
    Deleted: on AWS for a day, here until its domain is deleted. Its name may be used again.
    """

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self.table = ResourceTable(cloud.store, "app", "Status")
        self._servers: dict[str, AppServer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Plan to restart the apps of an earlier process."""
        for app in self.table.all():
            if app.get("Status") == "Deleting":
                await self._set(app_key(app), Status="Deleted")
            elif app.get("Status") in LIVE_STATUSES:
                self._cloud.resumption.plan([self._resumable(app_key(app))])
                if not self._cloud.resumption.recover:
                    await self._set(app_key(app), Status="Pending")

    def _resumable(self, key: str) -> ResumableWork:
        async def take_up() -> None:
            app = self.table.get(key)
            if app is not None and app["Status"] in LIVE_STATUSES and key not in self._servers:
                self.launch(app, app.pop("Role", None))

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

    def find(self, request: Members) -> Document:
        """Return an app's document; raises `ServiceError` (ResourceNotFound)."""
        document = self.table.get(app_key(request))
        if document is None:
            raise not_found("App", self.arn(request))
        return document

    def exists(self, **equal: MemberValue) -> bool:
        """Return True if an app with these values exists that is not Deleted."""
        return any(self.table.first(**equal, Status=status) for status in (*LIVE_STATUSES, "Failed"))

    async def remove_all(self, domain: str) -> None:
        """Remove the documents of a domain's apps."""
        for app in self.table.all():
            if app["DomainId"] == domain:
                await self.table.remove(app_key(app))

    def address(self, app: Document, expires: float, session: float) -> str:
        """Return the URL of an app that is InService; its token is valid for `expires` seconds.

        The session that it opens lasts `session` seconds.
        """
        return self._servers[app_key(app)].address(expires, session)

    def running(self, **equal: MemberValue) -> Document | None:
        """Return an app that is InService and has these values, or None."""
        return self.table.first(**equal, Status="InService")

    def arn(self, app: Members) -> str:
        """Return an app's ARN; the app need not exist."""
        owner = app.get("SpaceName") or app["UserProfileName"]
        return self._cloud.arn("sagemaker", f"app/{app['DomainId']}/{owner}/{app['AppType']}/{app['AppName']}".lower())

    def launch(self, app: Document, role: str | None) -> None:
        """Start the server of an app that is stored, with the credentials of a role."""
        key = app_key(app)
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

    async def begin_deletion(self, key: str) -> None:
        """Set an app's status to Deleting, and start to stop its server."""
        await self._set(key, Status="Deleting")
        self._cloud.spawn(self._end(key), f"app {key}")

    async def _end(self, key: str) -> None:
        if keeper := self._tasks.pop(key, None):
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        if server := self._servers.pop(key, None):
            await server.stop()
        await self._set(key, Status="Deleted")

    async def _fail(self, key: str, reason: str) -> None:
        await self._set(key, Status="Failed", FailureReason=reason[:_MAX_REASON])

    async def _set(self, key: str, **members: MemberValue) -> None:
        await self.table.update(key, lambda document: document.update(members))


def app_key(app: Members) -> str:
    """Return the name of an app in the store."""
    owner = f"space/{app['SpaceName']}" if "SpaceName" in app else f"user/{app['UserProfileName']}"
    return f"{app['DomainId']}/{owner}/{app['AppType']}/{app['AppName']}".lower()
