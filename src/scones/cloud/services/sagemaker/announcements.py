"""SageMaker's state change events for EventBridge.

SageMaker Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from __future__ import annotations

import re

from scones.cloud.context import CloudContext
from scones.cloud.services.events.announcements import announce, milliseconds
from scones.cloud.services.sagemaker.hosting.deployment_plan import DeploymentPlan
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members

_SOURCE = "aws.sagemaker"
_JOB_TIMES = ("CreationTime", "TrainingStartTime", "TrainingEndTime", "LastModifiedTime")
_PACKAGE_TIMES = ("CreationTime", "LastModifiedTime")


def announce_training_job(cloud: CloudContext, document: Document) -> None:
    """Send the event for a change of a training job's status or secondary status."""
    times = {name: milliseconds(document[name]) for name in _JOB_TIMES if name in document}
    transitions = [
        {**each, **{name: milliseconds(each[name]) for name in ("StartTime", "EndTime") if name in each}}
        for each in document["SecondaryStatusTransitions"]
    ]
    arn = document["TrainingJobArn"]
    detail = {**document, **times, "SecondaryStatusTransitions": transitions, "Tags": _tags(cloud, arn)}
    announce(cloud, _SOURCE, "SageMaker Training Job State Change", arn, detail)


def announce_endpoint(cloud: CloudContext, document: Document) -> None:
    """Send the event for a change of an endpoint's status, spelled IN_SERVICE instead of InService."""
    variants = [
        {
            "VariantName": each.name,
            "DesiredWeight": each.weight,
            "DesiredInstanceCount": each.settings.get("InitialInstanceCount", 1),
        }
        for each in DeploymentPlan.of_document(document["Plan"]).variants
    ]
    arn = document["EndpointArn"]
    detail: Members = {
        "EndpointName": document["EndpointName"],
        "EndpointArn": arn,
        "EndpointConfigName": document["EndpointConfigName"],
        "ProductionVariants": variants,
        "EndpointStatus": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", document["EndpointStatus"]).upper(),
        "FailureReason": document.get("FailureReason"),
        "CreationTime": milliseconds(document["CreationTime"]),
        "LastModifiedTime": milliseconds(document["LastModifiedTime"]),
        "Tags": _tags(cloud, arn),
    }
    announce(cloud, _SOURCE, "SageMaker Endpoint State Change", arn, detail)


def announce_model_package(cloud: CloudContext, document: Document) -> None:
    """Send the event for a new model package, or for a change of its approval or metadata."""
    times = {name: milliseconds(document[name]) for name in _PACKAGE_TIMES if name in document}
    arn = document["ModelPackageArn"]
    detail: Members = {**document, **times}
    announce(cloud, _SOURCE, "SageMaker Model Package State Change", arn, detail)


def _tags(cloud: CloudContext, arn: str) -> dict[str, str]:
    rows = cloud.store.rows("SELECT key, value FROM sagemaker_tags WHERE arn = ?", arn)
    return {row["key"]: row["value"] for row in rows}
