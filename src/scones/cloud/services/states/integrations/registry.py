"""Which integrations there are: those of the local cloud, and those that AWS has besides."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

from botocore.exceptions import DataNotFoundError

from scones.cloud.cloud import Cloud
from scones.cloud.services.states.integrations.functions import LambdaInvoke
from scones.cloud.services.states.integrations.jobs import JOBS, ExecutionIntegration, JobIntegration
from scones.cloud.services.states.integrations.naming import pascal, sdk_services
from scones.cloud.services.states.integrations.optimized import VENDORS, OptimizedIntegration, PutEvents
from scones.cloud.services.states.integrations.sdk import SdkIntegration
from scones.cloud.services.states.resources import PATTERNS, Resource
from scones.cloud.wire.model import service_model


class Integration(Protocol):
    """What calls a service for a task."""

    async def call(self, cloud: Cloud, parameters: Any) -> Any:
        """Return the answer that the history shows; raise `StateFailedError`."""


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
"""AWS's optimized integrations and the patterns of each (Developer Guide, "Optimized integrations")."""


def recognised(resource: Resource) -> bool:
    """Whether AWS has an integration, in this pattern; the first question about `aws-sdk:` reads botocore's index."""
    if not resource.type.startswith("aws-sdk:"):
        return resource.pattern in OPTIMIZED.get(resource.name, ())
    service = sdk_services().get(resource.type.removeprefix("aws-sdk:"))
    if service is None or resource.pattern not in _TOKEN:
        return False
    try:
        return pascal(resource.operation) in service_model(service).operation_names
    except DataNotFoundError:
        return False


@lru_cache(maxsize=1024)
def find(cloud: Cloud, resource: Resource) -> Integration | None:
    """Return the integration behind a resource, or None where the local cloud does not offer its operation."""
    operation = pascal(resource.operation)
    if resource.type.startswith("aws-sdk:"):
        service = sdk_services().get(resource.type.removeprefix("aws-sdk:"), "")
        return SdkIntegration(service, operation) if _offers(cloud, service, operation) else None
    if resource.name == "lambda:invoke":
        return LambdaInvoke()
    vendor = VENDORS.get(resource.type)
    if vendor is None or resource.name not in OPTIMIZED or not _offers(cloud, vendor.service, operation):
        return None
    if resource.name == "events:putEvents":
        return PutEvents()
    if resource.pattern.startswith("sync"):
        if operation == "StartExecution":
            return ExecutionIntegration(json=resource.pattern == "sync:2")
        return JobIntegration(resource.type, operation, JOBS[operation])
    return OptimizedIntegration(vendor, operation)


def _offers(cloud: Cloud, service: str, operation: str) -> bool:
    offered = cloud.services.get(service)
    return offered is not None and offered.handler(operation) is not None
