"""Endpoint configurations: the models that an endpoint serves, their weights, and data capture."""

from __future__ import annotations

import time
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.services.sagemaker.errors import already_exists, invalid, not_found, not_supported
from scones.cloud.services.sagemaker.hosting.models import Models
from scones.cloud.services.sagemaker.resources import Document, ResourceTable

_UNSUPPORTED = {
    "AsyncInferenceConfig": "asynchronous inference",
    "ExplainerConfig": "explainers",
    "ShadowProductionVariants": "shadow variants",
}


class EndpointConfigs:
    """The endpoint configurations of a cloud."""

    def __init__(self, cloud: CloudContext, models: Models) -> None:
        self._cloud = cloud
        self._models = models
        self._configs = ResourceTable(cloud.store, "endpoint-config")

    def arn(self, name: str) -> str:
        """Return a configuration's ARN, whether or not it exists."""
        return self._cloud.arn("sagemaker", f"endpoint-config/{name.lower()}")

    async def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Check that the models exist, and store the configuration; raises `ServiceError`."""
        name = request["EndpointConfigName"]
        arn = self.arn(name)
        if self._configs.get(name) is not None:
            raise already_exists("endpoint configuration", arn)
        for member, what in _UNSUPPORTED.items():
            if member in request:
                raise not_supported(what, f"Leave {member} out.")
        variants = request["ProductionVariants"]
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise invalid(f"Variant names must be unique; received: {', '.join(names)}.")
        for variant in variants:
            if "ServerlessConfig" in variant:
                raise not_supported(
                    "serverless inference", "Specify InstanceType and InitialInstanceCount for the variant."
                )
            if "ModelName" not in variant:
                raise not_supported("inference components", "Specify a ModelName for each production variant.")
            self._models.describe(variant["ModelName"])
            variant.setdefault("InitialVariantWeight", 1.0)
            variant.setdefault("InitialInstanceCount", 1)
        document = {
            "EnableNetworkIsolation": False,
            **{key: value for key, value in request.items() if key != "Tags"},
            "EndpointConfigArn": arn,
            "CreationTime": time.time(),
        }
        if not await self._configs.add(name, arn, document, request.get("Tags", [])):
            raise already_exists("endpoint configuration", arn)
        return {"EndpointConfigArn": arn}

    def describe(self, name: str) -> Document:
        """Return a configuration's document; raises `ServiceError` (ValidationException)."""
        document = self._configs.get(name)
        if document is None:
            raise not_found("endpoint configuration", self.arn(name))
        return document

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of summaries."""
        page, more = await self._configs.page(params, "Descending")
        members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        return {"EndpointConfigs": [{key: item[key] for key in members} for item in page], **more}

    async def delete(self, name: str) -> None:
        """Delete a configuration; endpoints that use it keep running, as on AWS."""
        if not await self._configs.remove(name):
            raise not_found("endpoint configuration", self.arn(name))
