"""The deployments of endpoints: creation, updates without failed requests, removal, and resumption after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork, describe
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.sagemaker.errors import INTERNAL_FAULT, endpoint_not_restarted
from scones.cloud.services.sagemaker.hosting.capture import CaptureWriter
from scones.cloud.services.sagemaker.hosting.deployment import Deployment, DeploymentFailedError, endpoint_folder
from scones.cloud.services.sagemaker.hosting.deployment_plan import DeploymentPlan
from scones.cloud.services.sagemaker.hosting.endpoint_announcements import announce_endpoint
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.wire.members import MemberValue

log = logging.getLogger(__name__)

PLAN, NEXT_PLAN = "Plan", "NextPlan"
"""Members of a stored document that Describe does not show: the deployed plan, and the plan of a running update."""


class EndpointDeployments:
    """The endpoints of a cloud with their deployments; at most one creation, update or removal per endpoint runs."""

    def __init__(self, cloud: CloudContext, captures: CaptureWriter) -> None:
        self._cloud = cloud
        self._captures = captures
        self._work: dict[str, asyncio.Task[None]] = {}
        self._deployments: set[Deployment] = set()
        self.endpoints = ResourceTable(cloud.store, "endpoint", "EndpointStatus", partial(announce_endpoint, cloud))
        self.serving: dict[str, Deployment] = {}
        """The deployments that answer requests, by endpoint name."""

    async def start(self) -> None:
        """Plan to restart the endpoints of an earlier process, except failed ones.

        Unfinished updates and deletions are resumed.
        """
        documents = self.endpoints.all()
        if self._cloud.may_sweep:
            await asyncio.to_thread(self._sweep, documents)
        for document in documents:
            name, status = document["EndpointName"], document.get("EndpointStatus")
            if status != "Failed":
                self._cloud.resumption.plan([self._resumable(name)])
            if status not in ("Failed", "Deleting") and not self._cloud.resumption.recover:
                await self._set_status(name, EndpointStatus="Creating")

    def _resumable(self, name: str) -> ResumableWork:
        async def take_up() -> None:
            document = self.endpoints.get(name)
            if document is None or name in self._work:
                return
            if document["EndpointStatus"] == "Deleting":
                self._begin(name, self._remove(name, None))
            else:
                self._begin(name, self._resume(name, document))

        async def give_up(reason: str) -> None:
            message = endpoint_not_restarted(reason)
            await self._set_status(name, EndpointStatus="Failed", FailureReason=message)

        return ResumableWork("endpoint", name, take_up, give_up)

    def _sweep(self, documents: list[Document]) -> None:
        """Remove the files of deployments that belong to no endpoint."""
        known = {
            (item["EndpointName"], item[member].get("Id"))
            for item in documents
            for member in (PLAN, NEXT_PLAN)
            if member in item
        }
        for folder in endpoint_folder(self._cloud, "").glob("*/*"):
            if (folder.parent.name, folder.name) not in known:
                remove_tree(folder)

    async def _resume(self, name: str, document: Document) -> None:
        try:
            await self._restart(name, document)
        except Exception as error:
            message = endpoint_not_restarted(describe(error))
            await self._set_status(name, EndpointStatus="Failed", FailureReason=message)
            log.error("Endpoint %s could not be restarted: %s", name, describe(error))

    async def _restart(self, name: str, document: Document) -> None:
        plan = DeploymentPlan.of_document(document[PLAN])
        if not plan.variants:
            raise ValueError("its record is damaged")
        await self._create(name, plan)
        if name in self.serving and NEXT_PLAN in document:
            await self._set_status(name, EndpointStatus="Updating")
            await self._update(name, DeploymentPlan.of_document(document[NEXT_PLAN]))

    async def stop(self) -> None:
        """Stop every server; the endpoints stay in the store and are restarted with the cloud."""
        tasks = list(self._work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(deployment.stop(grace=5) for deployment in self._deployments))

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._cloud.spawn(work, f"endpoint {name}")
        self._work[name] = task
        task.add_done_callback(lambda done: self._work.pop(name) if self._work.get(name) is done else None)

    def begin_creation(self, name: str, plan: DeploymentPlan) -> None:
        """Start to deploy a new endpoint; the caller has stored its document."""
        self._begin(name, self._create(name, plan))

    def begin_update(self, name: str, plan: DeploymentPlan) -> None:
        """Start to deploy another plan; the old deployment serves until the new one is healthy."""
        self._begin(name, self._update(name, plan))

    def begin_removal(self, name: str) -> None:
        """Stop serving at once, and start to stop the servers and to remove the endpoint."""
        self._begin(name, self._remove(name, self.serving.pop(name, None)))

    async def _create(self, name: str, plan: DeploymentPlan) -> None:
        try:
            self.serving[name] = await self._deploy(name, plan)
        except DeploymentFailedError as error:
            await self._set_status(name, EndpointStatus="Failed", FailureReason=str(error))
        else:
            await self._set_status(name, EndpointStatus="InService")

    async def _deploy(self, name: str, plan: DeploymentPlan) -> Deployment:
        deployment = Deployment(self._cloud, name, plan)
        self._deployments.add(deployment)
        try:
            await deployment.start()
        except Exception as error:
            self._deployments.discard(deployment)
            await deployment.remove()
            if isinstance(error, DeploymentFailedError):
                raise
            log.exception("Endpoint %s could not be deployed", name)
            raise DeploymentFailedError(INTERNAL_FAULT) from error
        return deployment

    async def _retire(self, deployment: Deployment) -> None:
        await deployment.drain()
        await deployment.stop()
        self._deployments.discard(deployment)
        await deployment.remove()

    async def _update(self, name: str, plan: DeploymentPlan) -> None:
        """Deploy a plan and switch all requests to it at once; a DeploymentConfig's traffic shifting has no effect."""
        try:
            deployment = await self._deploy(name, plan)
        except DeploymentFailedError as error:
            # As on AWS, the endpoint keeps its old configuration, and FailureReason has the reason.
            await self._set_status(name, drop=NEXT_PLAN, EndpointStatus="InService", FailureReason=str(error))
            return
        old, self.serving[name] = self.serving[name], deployment
        self._cloud.spawn(self._retire(old), f"old deployment of endpoint {name}")
        members = {"EndpointConfigName": plan.config_name, PLAN: plan.document(), "EndpointStatus": "InService"}
        await self._set_status(name, drop=NEXT_PLAN, **members)
        await self._captures.flush(name)

    async def cancel(self, name: str) -> None:
        """Cancel an endpoint's deployment or update, and wait until it has ended."""
        if task := self._work.get(name):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _remove(self, name: str, deployment: Deployment | None) -> None:
        if deployment is not None:
            await self._retire(deployment)
        await self._captures.flush(name)
        folder = endpoint_folder(self._cloud, name)
        await asyncio.to_thread(remove_tree, folder)
        await self.endpoints.remove(name)

    async def _set_status(self, name: str, drop: str = "", **members: MemberValue) -> None:
        def change(document: Document) -> None:
            document |= {**members, "LastModifiedTime": time.time()}
            document.pop(drop, None)

        await self.endpoints.update(name, change)

    def status(self, name: str) -> str | None:
        """Return an endpoint's status, or None if the endpoint does not exist."""
        document = self.endpoints.get(name)
        return document["EndpointStatus"] if document else None
