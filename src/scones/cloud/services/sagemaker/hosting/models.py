"""Models: a container image with its model data."""

from __future__ import annotations

import time

from scones.cloud.context import CloudContext
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.container_settings import image_command
from scones.cloud.services.sagemaker.errors import already_exists, invalid, not_found, not_supported
from scones.cloud.services.sagemaker.registry.model_packages import ModelPackageOperations
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location
from scones.cloud.wire.members import Members

_RESOLVED_CONTAINER = "Served"
"""Member of a document with the container that runs, if the model uses a model package; Describe does not show it."""


class ModelOperations:
    """Operations on models."""

    def __init__(self, cloud: CloudContext, packages: ModelPackageOperations) -> None:
        self._cloud = cloud
        self._packages = packages
        self._models = ResourceTable(cloud.store, "model")

    async def create_model(self, call: OperationCall) -> Members:
        """Check that the container image and the model data exist, and store the model."""
        request, name = call.params, call.params["ModelName"]
        arn = self._arn(name)
        if self._models.get(name) is not None:
            raise already_exists("model", arn)
        if "PrimaryContainer" in request and "Containers" in request:  # AWS's message is not documented
            raise invalid("You must provide either PrimaryContainer or Containers, and not both.")
        containers = request.get("Containers") or [request.get("PrimaryContainer")]
        if containers == [None]:
            raise invalid("You must provide either PrimaryContainer or Containers.")
        if len(containers) > 1:
            raise not_supported("inference pipelines of several containers", "Specify one container.")
        served = self._resolve(containers[0])
        await self._check(served, request.get("ExecutionRoleArn", ""))
        document = {
            "EnableNetworkIsolation": False,
            **{key: value for key, value in request.items() if key != "Tags"},
            "ModelArn": arn,
            "CreationTime": time.time(),
        }
        if served is not containers[0]:
            document[_RESOLVED_CONTAINER] = served
        for container in (document.get("PrimaryContainer"), *document.get("Containers", [])):
            if container is not None:
                container.setdefault("Mode", "SingleModel")
        if not await self._models.add(name, arn, document, request.get("Tags", [])):
            raise already_exists("model", arn)
        return {"ModelArn": arn}

    def _resolve(self, container: Members) -> Members:
        """Return a container, merged with its model package's container if it names a package."""
        if "ModelPackageName" not in container:
            return container
        packaged = self._packages.container(container["ModelPackageName"])
        variables = packaged.get("Environment", {}) | container.get("Environment", {})
        return {**packaged, **container, "Environment": variables}

    async def _check(self, container: Members, role: str) -> None:
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise not_supported(
                "multi-model containers", "Omit Mode, and use a separate endpoint or variant for each model."
            )
        if container.get("AdditionalModelDataSources"):
            raise not_supported("additional model data sources", "Put all of the model's files into one model.tar.gz.")
        if "Image" not in container:
            raise not_supported("a container without Image", "Specify an image URI.")
        await image_command(container["Image"], "serve")
        uri = model_data(container)
        if uri and not await S3Access(self._cloud).exists(S3Location.of(uri)):
            raise invalid(
                f'Could not access model data at {uri}. Please ensure that the role "{role}" exists and that its trust '
                'relationship policy allows the action "sts:AssumeRole" for the service principal '
                '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the '
                f"object is located in {self._cloud.settings.region}."
            )

    async def describe_model(self, call: OperationCall) -> Members:
        """Describe a model."""
        return self.find(call.params["ModelName"])

    async def list_models(self, call: OperationCall) -> Members:
        """List models."""
        page, more = await self._models.page(call.params, "Descending")
        summaries = [{key: item[key] for key in ("ModelName", "ModelArn", "CreationTime")} for item in page]
        return {"Models": summaries, **more}

    async def delete_model(self, call: OperationCall) -> Members:
        """Delete a model; endpoints that serve it keep running."""
        name = call.params["ModelName"]
        if not await self._models.remove(name):
            raise not_found("model", self._arn(name))
        return {}

    def find(self, name: str) -> Document:
        """Return a model in the form of Describe; raises `ServiceError` (ValidationException)."""
        document = self._document(name)
        document.pop(_RESOLVED_CONTAINER, None)
        return document

    def container_of(self, name: str) -> Document:
        """Return the container of a model, from the model itself or from its model package; raises `ServiceError`."""
        document = self._document(name)
        container: Document = (
            document.get(_RESOLVED_CONTAINER) or document.get("PrimaryContainer") or document["Containers"][0]
        )
        return container

    def _document(self, name: str) -> Document:
        document = self._models.get(name)
        if document is None:
            raise not_found("model", self._arn(name))
        return document

    def _arn(self, name: str) -> str:
        return self._cloud.arn("sagemaker", f"model/{name.lower()}")


def model_data(container: Members) -> str:
    """Return the URI of a container's model data, or "" if it has none."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    uri: str = container.get("ModelDataUrl") or source.get("S3Uri", "")
    return uri
