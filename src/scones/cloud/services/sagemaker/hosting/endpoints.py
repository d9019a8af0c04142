"""Endpoints: creation, updates without failed requests, deletion, and resumption after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork, describe
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.sagemaker.announcements import announce_endpoint
from scones.cloud.services.sagemaker.errors import already_exists, invalid, not_found
from scones.cloud.services.sagemaker.hosting.capture import CaptureWriter
from scones.cloud.services.sagemaker.hosting.deployment import Deployment, DeploymentFailedError, endpoint_folder
from scones.cloud.services.sagemaker.hosting.endpoint_configs import EndpointConfigs
from scones.cloud.services.sagemaker.hosting.models import Models
from scones.cloud.services.sagemaker.resources import Document, ResourceTable

log = logging.getLogger(__name__)

_SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
_INTERNAL_MEMBERS = ("Plan", "NextPlan")
"""Members of a stored document that Describe does not show: the deployed plan, and the plan of a running update."""


class Endpoints:
    """The endpoints of a cloud; `serving` has the deployments that answer requests, by endpoint name."""

    def __init__(self, cloud: CloudContext, models: Models, configs: EndpointConfigs, captures: CaptureWriter) -> None:
        self._cloud = cloud
        self._models = models
        self._configs = configs
        self._captures = captures
        self._endpoints = ResourceTable(cloud.store, "endpoint", "EndpointStatus", partial(announce_endpoint, cloud))
        self._work: dict[str, asyncio.Task[Any]] = {}
        self._deployments: set[Deployment] = set()
        self.serving: dict[str, Deployment] = {}

    def arn(self, name: str) -> str:
        """Return an endpoint's ARN, whether or not it exists."""
        return self._cloud.arn("sagemaker", f"endpoint/{name.lower()}")

    async def start(self) -> None:
        """Plan to restart the endpoints of an earlier process that had not failed.

        Unfinished updates and deletions are resumed.
        """
        documents = self._endpoints.all()
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
            document = self._endpoints.get(name)
            if document is None or name in self._work:
                return
            if document["EndpointStatus"] == "Deleting":
                self._begin(name, self._remove(name, None))
            else:
                self._begin(name, self._resume(name, document))

        async def give_up(reason: str) -> None:
            message = f"InternalServerError: the local cloud could not restart the endpoint: {reason}."
            await self._set_status(name, EndpointStatus="Failed", FailureReason=message)

        return ResumableWork("endpoint", name, take_up, give_up)

    def _sweep(self, documents: list[Document]) -> None:
        """Remove the files of deployments that belong to no endpoint."""
        known = {(item["EndpointName"], plan.get("Id")) for item in documents for plan in _plans(item)}
        for folder in endpoint_folder(self._cloud, "").glob("*/*"):
            if (folder.parent.name, folder.name) not in known:
                remove_tree(folder)

    async def _resume(self, name: str, document: Document) -> None:
        try:
            await self._restart(name, document)
        except Exception as error:
            message = f"InternalServerError: the local cloud could not restart the endpoint: {describe(error)}."
            await self._set_status(name, EndpointStatus="Failed", FailureReason=message)
            log.error("Endpoint %s could not be restarted: %s", name, describe(error))

    async def _restart(self, name: str, document: Document) -> None:
        await self._create(name, document["Plan"])
        if name in self.serving and "NextPlan" in document:
            await self._set_status(name, EndpointStatus="Updating")
            await self._update(name, document["NextPlan"])

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

    def _plan(self, config_name: str) -> dict[str, Any]:
        """Return a configuration's variants with copies of their models, because both may be deleted later."""
        config = self._configs.describe(config_name)
        plan: dict[str, Any] = {"Id": uuid.uuid4().hex, "EndpointConfigName": config_name, "Variants": []}
        for variant in config["ProductionVariants"]:
            model = self._models.describe(variant["ModelName"])
            container = self._models.container_of(variant["ModelName"])
            role = model.get("ExecutionRoleArn") or config.get("ExecutionRoleArn")
            role = role or self._cloud.arn("iam", "role/SageMaker", region="")
            plan["Variants"].append({**variant, "Container": container, "RoleArn": role})
        if "DataCaptureConfig" in config:
            plan["DataCaptureConfig"] = config["DataCaptureConfig"]
        return plan

    async def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store an endpoint and start to deploy it; raises `ServiceError` (ValidationException)."""
        name = request["EndpointName"]
        arn = self.arn(name)
        if self._endpoints.get(name) is not None:
            raise already_exists("endpoint", arn)
        plan = self._plan(request["EndpointConfigName"])
        now = time.time()
        document = {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": request["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": now,
            "LastModifiedTime": now,
            "Plan": plan,
        }
        if "DeploymentConfig" in request:
            document["LastDeploymentConfig"] = request["DeploymentConfig"]
        if not await self._endpoints.add(name, arn, document, request.get("Tags", [])):
            raise already_exists("endpoint", arn)
        self._begin(name, self._create(name, plan))
        return {"EndpointArn": arn}

    async def _create(self, name: str, plan: dict[str, Any]) -> None:
        try:
            self.serving[name] = await self._deploy(name, plan)
        except DeploymentFailedError as error:
            await self._set_status(name, EndpointStatus="Failed", FailureReason=str(error))
        else:
            await self._set_status(name, EndpointStatus="InService")

    async def _deploy(self, name: str, plan: dict[str, Any]) -> Deployment:
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
            raise DeploymentFailedError(
                "InternalServerError: internal error of the local cloud; see its log."
            ) from error
        return deployment

    async def _retire(self, deployment: Deployment) -> None:
        await deployment.drain()
        await deployment.stop()
        self._deployments.discard(deployment)
        await deployment.remove()

    async def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start to deploy another configuration; the old one serves until the new one is healthy.

        Raises `ServiceError` (ValidationException).
        """
        name, config_name = request["EndpointName"], request["EndpointConfigName"]
        current = self._document(name)
        plan = self._plan(config_name)
        if request.get("RetainAllVariantProperties"):
            excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])}
            _retain(plan, current["Plan"], excluded)

        def change(document: Document) -> None:
            if document["EndpointStatus"] != "InService" or name not in self.serving:
                raise invalid(f'Cannot update in-progress endpoint "{document["EndpointArn"]}".')
            if document["EndpointConfigName"] == config_name:
                raise invalid(
                    f'Endpoint "{document["EndpointArn"]}" already uses the endpoint configuration '
                    f'"{self._configs.arn(config_name)}". Create another configuration for the update.'
                )
            document |= {"EndpointStatus": "Updating", "LastModifiedTime": time.time(), "NextPlan": plan}
            document.pop("FailureReason", None)
            if "DeploymentConfig" in request:
                document["LastDeploymentConfig"] = request["DeploymentConfig"]

        await self._change(name, change)
        self._begin(name, self._update(name, plan))
        return {"EndpointArn": current["EndpointArn"]}

    async def _update(self, name: str, plan: dict[str, Any]) -> None:
        """Deploy a plan and switch all requests to it at once; a DeploymentConfig's traffic shifting has no effect."""
        try:
            deployment = await self._deploy(name, plan)
        except DeploymentFailedError as error:
            # As on AWS, the endpoint keeps its old configuration, and FailureReason has the reason.
            await self._set_status(name, drop="NextPlan", EndpointStatus="InService", FailureReason=str(error))
            return
        old, self.serving[name] = self.serving[name], deployment
        self._cloud.spawn(self._retire(old), f"old deployment of endpoint {name}")
        members = {"EndpointConfigName": plan["EndpointConfigName"], "Plan": plan, "EndpointStatus": "InService"}
        await self._set_status(name, drop="NextPlan", **members)
        await self._captures.flush(name)

    async def update_weights(self, name: str, desired: list[dict[str, Any]]) -> dict[str, Any]:
        """Change the weights of variants; instance counts are only recorded.

        Raises `ServiceError` (ValidationException).
        """
        requested = {item["VariantName"]: item for item in desired}

        def change(document: Document) -> None:
            if document["EndpointStatus"] != "InService" or name not in self.serving:
                raise invalid(f'Cannot update in-progress endpoint "{document["EndpointArn"]}".')
            variants = {item["VariantName"]: item for item in document["Plan"]["Variants"]}
            for variant, item in requested.items():
                if variant not in variants:
                    raise invalid(f'Endpoint "{document["EndpointArn"]}" has no variant "{variant}".')
                if "DesiredWeight" in item:
                    variants[variant]["InitialVariantWeight"] = item["DesiredWeight"]
                if "DesiredInstanceCount" in item:
                    variants[variant]["InitialInstanceCount"] = item["DesiredInstanceCount"]
            document["LastModifiedTime"] = time.time()

        self._document(name)
        await self._change(name, change)
        if name not in self.serving:  # deleted meanwhile
            raise invalid(f'Cannot update in-progress endpoint "{self.arn(name)}".')
        for variant in self.serving[name].variants:
            variant.weight = requested.get(variant.name, {}).get("DesiredWeight", variant.weight)
        return {"EndpointArn": self.arn(name)}

    async def _change(self, name: str, change: Callable[[Document], None]) -> None:
        """Apply `change` to an endpoint's document; raise `ServiceError` if the endpoint was deleted meanwhile."""
        if await self._endpoints.update(name, change) is None:
            raise not_found("endpoint", self.arn(name))

    def _document(self, name: str) -> Document:
        document = self._endpoints.get(name)
        if document is None:
            raise not_found("endpoint", self.arn(name))
        return document

    def status(self, name: str) -> str | None:
        """Return an endpoint's status, or None if the endpoint does not exist."""
        document = self._endpoints.get(name)
        return document["EndpointStatus"] if document else None

    def describe(self, name: str) -> Document:
        """Return the response of DescribeEndpoint; raises `ServiceError` (ValidationException)."""
        document = self._document(name)
        plan = document["Plan"]
        shown = {key: value for key, value in document.items() if key not in _INTERNAL_MEMBERS}
        if name in self.serving:
            shown["ProductionVariants"] = [_summary(item, document) for item in plan["Variants"]]
        if config := plan.get("DataCaptureConfig"):
            started = config.get("EnableCapture", True) and name in self.serving
            shown["DataCaptureConfig"] = {
                "EnableCapture": config.get("EnableCapture", True),
                "CaptureStatus": "Started" if started else "Stopped",
                "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
                "DestinationS3Uri": config["DestinationS3Uri"],
                "KmsKeyId": config.get("KmsKeyId", ""),
            }
        return shown

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of summaries."""
        page, more = await self._endpoints.page(params, "Descending")
        return {"Endpoints": [{key: item[key] for key in _SUMMARY} for item in page], **more}

    async def delete(self, name: str) -> None:
        """Stop serving at once, and start to stop the servers; raises `ServiceError` (ValidationException)."""

        def change(document: Document) -> None:
            if document["EndpointStatus"] == "Deleting":
                raise invalid(f'Cannot delete in-progress endpoint "{self.arn(name)}".')
            document |= {"EndpointStatus": "Deleting", "LastModifiedTime": time.time()}

        if self._document(name)["EndpointStatus"] != "Deleting":  # else `change` raises the error
            await self._cancel(name)
        await self._change(name, change)
        await self._cancel(name)  # an update whose request was stored just before
        self._begin(name, self._remove(name, self.serving.pop(name, None)))

    async def _cancel(self, name: str) -> None:
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
        await self._endpoints.remove(name)

    async def _set_status(self, name: str, drop: str = "", **members: Any) -> None:
        def change(document: Document) -> None:
            document |= {**members, "LastModifiedTime": time.time()}
            document.pop(drop, None)

        await self._endpoints.update(name, change)


def _plans(document: Document) -> list[dict[str, Any]]:
    return [document[member] for member in _INTERNAL_MEMBERS if member in document]


def _retain(plan: dict[str, Any], current: dict[str, Any], excluded: set[str]) -> None:
    """Copy the current weights, instance counts and capture settings into a new plan, except for excluded kinds.

    Weights and instance counts are copied between variants with the same name.
    """
    old = {item["VariantName"]: item for item in current["Variants"]}
    members = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}
    for item in plan["Variants"]:
        for kind, member in members.items():
            if kind not in excluded and member in old.get(item["VariantName"], {}):
                item[member] = old[item["VariantName"]][member]
    if "DataCaptureConfig" not in excluded and "DataCaptureConfig" in current:
        plan["DataCaptureConfig"] = current["DataCaptureConfig"]


def _summary(variant: dict[str, Any], document: Document) -> dict[str, Any]:
    image = variant["Container"]["Image"]
    deployed = {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": document["CreationTime"]}
    summary = {
        "VariantName": variant["VariantName"],
        "DeployedImages": [deployed],
        "CurrentWeight": variant["InitialVariantWeight"],
        "DesiredWeight": variant["InitialVariantWeight"],
    }
    if "InitialInstanceCount" in variant:
        summary["CurrentInstanceCount"] = summary["DesiredInstanceCount"] = variant["InitialInstanceCount"]
    return summary
