"""SageMaker's state change events for EventBridge.

SageMaker Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.services.events.announcements import announce, milliseconds
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members

SOURCE = "aws.sagemaker"
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
    detail = {**document, **times, "SecondaryStatusTransitions": transitions, "Tags": resource_tags(cloud, arn)}
    announce(cloud, SOURCE, "SageMaker Training Job State Change", arn, detail)


def announce_model_package(cloud: CloudContext, document: Document) -> None:
    """Send the event for a new model package, or for a change of its approval or metadata."""
    times = {name: milliseconds(document[name]) for name in _PACKAGE_TIMES if name in document}
    arn = document["ModelPackageArn"]
    detail: Members = {**document, **times}
    announce(cloud, SOURCE, "SageMaker Model Package State Change", arn, detail)


def resource_tags(cloud: CloudContext, arn: str) -> dict[str, str]:
    """Return the tags of a resource by key."""
    rows = cloud.store.rows("SELECT key, value FROM sagemaker_tags WHERE arn = ?", arn)
    return {row["key"]: row["value"] for row in rows}
