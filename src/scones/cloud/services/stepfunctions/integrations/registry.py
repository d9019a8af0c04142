"""The registry of integrations: those that the local cloud supports, and all that AWS has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.services.stepfunctions.asl.resources import PATTERNS, Resource
from scones.cloud.services.stepfunctions.integrations.jobs import JOBS, ExecutionIntegration, JobIntegration
from scones.cloud.services.stepfunctions.integrations.lambda_ import LambdaInvoke
from scones.cloud.services.stepfunctions.integrations.naming import pascal
from scones.cloud.services.stepfunctions.integrations.optimized import VENDORS, OptimizedIntegration, PutEvents
from scones.cloud.services.stepfunctions.integrations.sdk import SdkIntegration
from scones.cloud.services.stepfunctions.integrations.sdk_services import sdk_service, sdk_services
from scones.cloud.wire.model import service_model


class Integration(Protocol):
    """An integration, which calls a service for a task."""

    async def call(self, cloud: CloudContext, parameters: Any) -> Any:
        """Return the response that the history shows; raise `StateFailedError` if the call fails."""


VENDOR_SERVICES = {"lambda": "lambda", **{kind: vendor.service for kind, vendor in VENDORS.items()}}
"""Botocore's service names of the optimized integrations that the local cloud supports."""
_JOB, _TOKEN = ("", "sync"), ("", "waitForTaskToken")
OPTIMIZED: dict[str, tuple[str, ...]] = {
    "apigateway:invoke": _TOKEN,
    **dict.fromkeys(("athena:startQueryExecution",), _JOB),
    **dict.fromkeys(("athena:stopQueryExecution", "athena:getQueryExecution", "athena:getQueryResults"), ("",)),
    "batch:submitJob": (*_JOB, "waitForTaskToken"),
    "bedrock:invokeModel": ("",),
    "bedrock:createModelCustomizationJob": _JOB,
    **dict.fromkeys(("codebuild:startBuild", "codebuild:startBuildBatch", "codebuild:retryBuildBatch"), _JOB),
    **dict.fromkeys(("codebuild:stopBuild", "codebuild:batchDeleteBuilds", "codebuild:batchGetReports"), ("",)),
    **dict.fromkeys(("codebuild:stopBuildBatch", "codebuild:deleteBuildBatch"), ("",)),
    "databrew:startJobRun": _JOB,
    **dict.fromkeys((f"dynamodb:{verb}Item" for verb in ("get", "put", "update", "delete")), ("",)),
    "ecs:runTask": (*_JOB, "waitForTaskToken"),
    **dict.fromkeys((f"eks:{verb}Cluster" for verb in ("create", "delete")), _JOB),
    **dict.fromkeys((f"eks:{verb}FargateProfile" for verb in ("create", "delete")), _JOB),
    **dict.fromkeys((f"eks:{verb}Nodegroup" for verb in ("create", "delete")), _JOB),
    "eks:runJob": _JOB,
    "eks:call": ("",),
    **dict.fromkeys((f"elasticmapreduce:{name}" for name in ("createCluster", "terminateCluster", "addStep")), _JOB),
    **dict.fromkeys(("elasticmapreduce:cancelStep", "elasticmapreduce:setClusterTerminationProtection"), ("",)),
    **dict.fromkeys(
        ("elasticmapreduce:modifyInstanceFleetByName", "elasticmapreduce:modifyInstanceGroupByName"), ("",)
    ),
    **dict.fromkeys(("emr-containers:createVirtualCluster",), ("",)),
    **dict.fromkeys(("emr-containers:deleteVirtualCluster", "emr-containers:startJobRun"), _JOB),
    **dict.fromkeys((f"emr-serverless:{verb}Application" for verb in ("create", "start", "stop", "delete")), _JOB),
    **dict.fromkeys(("emr-serverless:startJobRun", "emr-serverless:cancelJobRun"), _JOB),
    "events:putEvents": _TOKEN,
    "glue:startJobRun": _JOB,
    "http:invoke": ("",),
    "lambda:invoke": _TOKEN,
    "mediaconvert:createJob": _JOB,
    **dict.fromkeys(("sagemaker:createEndpoint", "sagemaker:createEndpointConfig", "sagemaker:createModel"), ("",)),
    "sagemaker:updateEndpoint": ("",),
    **dict.fromkeys((f"sagemaker:create{kind}Job" for kind in ("Training", "Processing", "Transform")), _JOB),
    **dict.fromkeys(("sagemaker:createHyperParameterTuningJob", "sagemaker:createLabelingJob"), _JOB),
    "sns:publish": _TOKEN,
    "sqs:sendMessage": _TOKEN,
    "states:startExecution": ("", *PATTERNS),
}
"""AWS's optimized integrations and their patterns (Developer Guide, "Optimized integrations")."""


class IntegrationRegistry:
    """The integrations that AWS has, and those that the local cloud supports: the operations of its services."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._found = lru_cache(maxsize=1024)(self._look_up)

    def find(self, resource: Resource) -> Integration | None:
        """Return the integration of a resource, or None if the local cloud does not support one.

        The first call for a service loads its model, which is slow.
        """
        return self._found(resource)

    def exists_on_aws(self, resource: Resource) -> bool:
        """Return True if AWS has the integration with this pattern."""
        if not resource.type.startswith("aws-sdk:"):
            return resource.pattern in OPTIMIZED.get(resource.name, ())
        service = self._sdk_service(resource) or sdk_services().get(resource.type.removeprefix("aws-sdk:"))
        if service is None or resource.pattern not in _TOKEN or resource.operation[:1].isupper():
            return False
        return pascal(resource.operation) in service_model(service).operation_names

    def input_shape(self, resource: Resource) -> StructureShape | None:
        """Return the shape of an integration's parameters, or None if the local cloud does not support it."""
        service = self._sdk_service(resource) or VENDOR_SERVICES.get(resource.type)
        if service is None or self.find(resource) is None:
            return None
        return service_model(service).operation_model(pascal(resource.operation)).input_shape

    def _look_up(self, resource: Resource) -> Integration | None:
        operation = pascal(resource.operation)
        if resource.type.startswith("aws-sdk:"):
            service = self._sdk_service(resource)
            return SdkIntegration(service, operation) if service and self._supports(service, operation) else None
        if resource.pattern not in OPTIMIZED.get(resource.name, ()):
            return None
        if resource.name == "lambda:invoke":
            return LambdaInvoke()
        vendor = VENDORS.get(resource.type)
        if vendor is None or not self._supports(vendor.service, operation):
            return None
        if resource.name == "events:putEvents":
            return PutEvents()
        if resource.name == "states:startExecution" and resource.waits:
            return ExecutionIntegration(parse=resource.pattern == "sync:2")
        if resource.waits:
            return JobIntegration(resource.type, operation, JOBS[operation]) if operation in JOBS else None
        return OptimizedIntegration(vendor, operation)

    def _sdk_service(self, resource: Resource) -> str | None:
        if not resource.type.startswith("aws-sdk:"):
            return None
        return sdk_service(resource.type.removeprefix("aws-sdk:"), self._cloud.service_names())

    def _supports(self, service: str, operation: str) -> bool:
        if operation not in self._cloud.supported_operations(service):
            return False
        return not service_model(service).operation_model(operation).has_event_stream_output
