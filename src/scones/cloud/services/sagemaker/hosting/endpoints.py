"""Endpoints: HTTPS access to deployed models."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from scones.cloud.context import CloudContext
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import already_exists, endpoint_in_progress, invalid, not_found
from scones.cloud.services.sagemaker.hosting.deployment_plan import DeploymentPlan, PlannedVariant
from scones.cloud.services.sagemaker.hosting.endpoint_configs import EndpointConfigOperations
from scones.cloud.services.sagemaker.hosting.endpoint_deployments import NEXT_PLAN, PLAN, EndpointDeployments
from scones.cloud.services.sagemaker.hosting.models import ModelOperations
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members

_SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")


class EndpointOperations:
    """Operations on endpoints."""

    def __init__(
        self,
        cloud: CloudContext,
        models: ModelOperations,
        configs: EndpointConfigOperations,
        deployments: EndpointDeployments,
    ) -> None:
        self._cloud = cloud
        self._models = models
        self._configs = configs
        self._deployments = deployments
        self._endpoints = deployments.endpoints

    async def create_endpoint(self, call: OperationCall) -> Members:
        """Store an endpoint and start to deploy it."""
        request, name = call.params, call.params["EndpointName"]
        arn = self._arn(name)
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
            PLAN: plan.document(),
        }
        if "DeploymentConfig" in request:
            document["LastDeploymentConfig"] = request["DeploymentConfig"]
        if not await self._endpoints.add(name, arn, document, request.get("Tags", [])):
            raise already_exists("endpoint", arn)
        self._deployments.begin_creation(name, plan)
        return {"EndpointArn": arn}

    async def describe_endpoint(self, call: OperationCall) -> Members:
        """Describe an endpoint."""
        name = call.params["EndpointName"]
        document = self._document(name)
        plan = DeploymentPlan.of_document(document[PLAN])
        serving = name in self._deployments.serving
        shown = {key: value for key, value in document.items() if key not in (PLAN, NEXT_PLAN)}
        if serving:
            shown["ProductionVariants"] = [_summary(variant, document["CreationTime"]) for variant in plan.variants]
        if config := plan.capture_config:
            enabled = config.get("EnableCapture", True)
            shown["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled and serving else "Stopped",
                "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
                "DestinationS3Uri": config["DestinationS3Uri"],
                "KmsKeyId": config.get("KmsKeyId", ""),
            }
        return shown

    async def list_endpoints(self, call: OperationCall) -> Members:
        """List endpoints."""
        page, more = await self._endpoints.page(call.params, "Descending")
        return {"Endpoints": [{key: item[key] for key in _SUMMARY} for item in page], **more}

    async def update_endpoint(self, call: OperationCall) -> Members:
        """Start to deploy another configuration; the old one serves until the new one is healthy."""
        request, name, config_name = call.params, call.params["EndpointName"], call.params["EndpointConfigName"]
        current = self._document(name)
        plan = self._plan(config_name)
        if request.get("RetainAllVariantProperties"):
            excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])}
            plan.retain_properties(DeploymentPlan.of_document(current[PLAN]), excluded)

        def change(document: Document) -> None:
            self._require_in_service(document)
            if document["EndpointConfigName"] == config_name:
                raise invalid(
                    f'Endpoint "{document["EndpointArn"]}" already uses the endpoint configuration '
                    f'"{self._configs.arn(config_name)}". Create another configuration for the update.'
                )
            document |= {"EndpointStatus": "Updating", "LastModifiedTime": time.time(), NEXT_PLAN: plan.document()}
            document.pop("FailureReason", None)
            if "DeploymentConfig" in request:
                document["LastDeploymentConfig"] = request["DeploymentConfig"]

        await self._change(name, change)
        self._deployments.begin_update(name, plan)
        return {"EndpointArn": current["EndpointArn"]}

    async def update_endpoint_weights_and_capacities(self, call: OperationCall) -> Members:
        """Change the weights of an endpoint's variants; instance counts are only recorded."""
        name = call.params["EndpointName"]
        requested = {item["VariantName"]: item for item in call.params["DesiredWeightsAndCapacities"]}

        def change(document: Document) -> None:
            self._require_in_service(document)
            plan = DeploymentPlan.of_document(document[PLAN])
            for variant, desired in requested.items():
                if not plan.set_properties(variant, desired):
                    raise invalid(f'Endpoint "{document["EndpointArn"]}" has no variant "{variant}".')
            document |= {PLAN: plan.document(), "LastModifiedTime": time.time()}

        self._document(name)
        await self._change(name, change)
        deployment = self._deployments.serving.get(name)
        if deployment is None:  # deleted meanwhile
            raise endpoint_in_progress("update", self._arn(name))
        for variant in deployment.variants:
            variant.weight = requested.get(variant.name, {}).get("DesiredWeight", variant.weight)
        return {"EndpointArn": self._arn(name)}

    async def delete_endpoint(self, call: OperationCall) -> Members:
        """Stop serving at once, and start to stop the servers."""
        name = call.params["EndpointName"]

        def change(document: Document) -> None:
            if document["EndpointStatus"] == "Deleting":
                raise endpoint_in_progress("delete", self._arn(name))
            document |= {"EndpointStatus": "Deleting", "LastModifiedTime": time.time()}

        if self._document(name)["EndpointStatus"] != "Deleting":  # else `change` raises the error
            await self._deployments.cancel(name)
        await self._change(name, change)
        await self._deployments.cancel(name)  # an update that was requested just before the deletion
        self._deployments.begin_removal(name)
        return {}

    def _plan(self, config_name: str) -> DeploymentPlan:
        """Return a configuration's variants with copies of their models, because both may be deleted later."""
        config = self._configs.find(config_name)
        variants = [self._planned(variant, config) for variant in config["ProductionVariants"]]
        return DeploymentPlan(uuid.uuid4().hex, config_name, variants, config.get("DataCaptureConfig"))

    def _planned(self, variant: Document, config: Document) -> PlannedVariant:
        model = self._models.find(variant["ModelName"])
        role = model.get("ExecutionRoleArn") or config.get("ExecutionRoleArn")
        role = role or self._cloud.arn("iam", "role/SageMaker", region="")
        return PlannedVariant(variant, self._models.container_of(variant["ModelName"]), role)

    def _require_in_service(self, document: Document) -> None:
        if document["EndpointStatus"] != "InService" or document["EndpointName"] not in self._deployments.serving:
            raise endpoint_in_progress("update", document["EndpointArn"])

    async def _change(self, name: str, change: Callable[[Document], None]) -> None:
        """Apply `change` to an endpoint's document; raise `ServiceError` if the endpoint was deleted meanwhile."""
        if await self._endpoints.update(name, change) is None:
            raise not_found("endpoint", self._arn(name))

    def _document(self, name: str) -> Document:
        document = self._endpoints.get(name)
        if document is None:
            raise not_found("endpoint", self._arn(name))
        return document

    def _arn(self, name: str) -> str:
        return self._cloud.arn("sagemaker", f"endpoint/{name.lower()}")


def _summary(variant: PlannedVariant, created: float) -> Document:
    """Return a ProductionVariantSummary of a variant whose endpoint was created at `created`."""
    deployed = {"SpecifiedImage": variant.image, "ResolvedImage": variant.image, "ResolutionTime": created}
    summary = {
        "VariantName": variant.name,
        "DeployedImages": [deployed],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
    }
    if "InitialInstanceCount" in variant.settings:
        summary["CurrentInstanceCount"] = summary["DesiredInstanceCount"] = variant.settings["InitialInstanceCount"]
    return summary
