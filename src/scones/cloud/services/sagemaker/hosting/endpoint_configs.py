"""Endpoint configurations: the models that an endpoint serves, their weights, and data capture."""

from __future__ import annotations

import time

from scones.cloud.context import CloudContext
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import already_exists, duplicate_names, not_found, not_supported
from scones.cloud.services.sagemaker.hosting.models import ModelOperations
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.wire.members import Members

_UNSUPPORTED = {
    "AsyncInferenceConfig": "asynchronous inference",
    "ExplainerConfig": "explainers",
    "ShadowProductionVariants": "shadow variants",
}


class EndpointConfigOperations:
    """Operations on endpoint configurations."""

    def __init__(self, cloud: CloudContext, models: ModelOperations) -> None:
        self._cloud = cloud
        self._models = models
        self._configs = ResourceTable(cloud.store, "endpoint-config")

    async def create_endpoint_config(self, call: OperationCall) -> Members:
        """Check that the models exist, and store the configuration."""
        request, name = call.params, call.params["EndpointConfigName"]
        arn = self.arn(name)
        if self._configs.get(name) is not None:
            raise already_exists("endpoint configuration", arn)
        for member, what in _UNSUPPORTED.items():
            if member in request:
                raise not_supported(what, f"Leave {member} out.")
        variants = request["ProductionVariants"]
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise duplicate_names("Variant", names)
        for variant in variants:
            if "ServerlessConfig" in variant:
                raise not_supported(
                    "serverless inference", "Specify InstanceType and InitialInstanceCount for the variant."
                )
            if "ModelName" not in variant:
                raise not_supported("inference components", "Specify a ModelName for each production variant.")
            self._models.find(variant["ModelName"])
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

    async def describe_endpoint_config(self, call: OperationCall) -> Members:
        """Describe an endpoint configuration."""
        return self.find(call.params["EndpointConfigName"])

    async def list_endpoint_configs(self, call: OperationCall) -> Members:
        """List endpoint configurations."""
        page, more = await self._configs.page(call.params, "Descending")
        members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        return {"EndpointConfigs": [{key: item[key] for key in members} for item in page], **more}

    async def delete_endpoint_config(self, call: OperationCall) -> Members:
        """Delete a configuration; endpoints that use it keep running, as on AWS."""
        name = call.params["EndpointConfigName"]
        if not await self._configs.remove(name):
            raise not_found("endpoint configuration", self.arn(name))
        return {}

    def find(self, name: str) -> Document:
        """Return a configuration in the form of Describe; raises `ServiceError` (ValidationException)."""
        document = self._configs.get(name)
        if document is None:
            raise not_found("endpoint configuration", self.arn(name))
        return document

    def arn(self, name: str) -> str:
        """Return a configuration's ARN; the configuration need not exist."""
        return self._cloud.arn("sagemaker", f"endpoint-config/{name.lower()}")
