"""Models: a container image with its model data."""

from __future__ import annotations

import time
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.services.sagemaker.container_settings import image_command
from scones.cloud.services.sagemaker.errors import already_exists, invalid, not_found, not_supported
from scones.cloud.services.sagemaker.registry.model_packages import ModelPackages
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location

_RESOLVED_CONTAINER = "Served"
"""Member of a document with the container that runs, if the model uses a model package; Describe does not show it."""


class Models:
    """The models of a cloud."""

    def __init__(self, cloud: CloudContext, packages: ModelPackages) -> None:
        self._cloud = cloud
        self._packages = packages
        self._models = ResourceTable(cloud.store, "model")

    def arn(self, name: str) -> str:
        """Return a model's ARN, whether or not it exists."""
        return self._cloud.arn("sagemaker", f"model/{name.lower()}")

    async def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Check that the container image and the model data exist, and store the model; raises `ServiceError`."""
        name = request["ModelName"]
        arn = self.arn(name)
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

    def _resolve(self, container: dict[str, Any]) -> dict[str, Any]:
        """Return a container, merged with its model package's container if it names a package."""
        if "ModelPackageName" not in container:
            return container
        packaged = self._packages.container(container["ModelPackageName"])
        variables = packaged.get("Environment", {}) | container.get("Environment", {})
        return {**packaged, **container, "Environment": variables}

    async def _check(self, container: dict[str, Any], role: str) -> None:
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise not_supported(
                "multi-model containers", "Omit Mode, and use a separate endpoint or variant for each model."
            )
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

    def describe(self, name: str) -> Document:
        """Return a model's document; raises `ServiceError` (ValidationException)."""
        document = self._models.get(name)
        if document is None:
            raise not_found("model", self.arn(name))
        document.pop(_RESOLVED_CONTAINER, None)
        return document

    def container_of(self, name: str) -> Document:
        """Return the container that a model runs, its own or its model package's; raises `ServiceError`."""
        document = self._models.get(name)
        if document is None:
            raise not_found("model", self.arn(name))
        container: Document = (
            document.get(_RESOLVED_CONTAINER) or document.get("PrimaryContainer") or document["Containers"][0]
        )
        return container

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of summaries."""
        page, more = await self._models.page(params, "Descending")
        summaries = [{key: item[key] for key in ("ModelName", "ModelArn", "CreationTime")} for item in page]
        return {"Models": summaries, **more}

    async def delete(self, name: str) -> None:
        """Delete a model; endpoints that serve it keep running."""
        if not await self._models.remove(name):
            raise not_found("model", self.arn(name))


def model_data(container: dict[str, Any]) -> str:
    """Return the URI of a container's model data, or "" if it has none."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    uri: str = container.get("ModelDataUrl") or source.get("S3Uri", "")
    return uri
