"""The state change events of endpoints for EventBridge."""

from __future__ import annotations

import re

from scones.cloud.context import CloudContext
from scones.cloud.services.events.announcements import announce, milliseconds
from scones.cloud.services.sagemaker.announcements import SOURCE, resource_tags
from scones.cloud.services.sagemaker.hosting.deployment_plan import DeploymentPlan
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members


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
        "Tags": resource_tags(cloud, arn),
    }
    announce(cloud, SOURCE, "SageMaker Endpoint State Change", arn, detail)
