"""Delivery of a text to a target that an ARN names: a function, a queue or a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, service_of
from scones.cloud.errors import ServiceError


def check_ready(cloud: CloudContext, service: str) -> None:
    """Raise `ServiceUnavailable` (503), which callers retry, if a service has not started yet."""
    if not cloud.has_service(service):
        raise ServiceError("ServiceUnavailable", f"The local cloud has not started {service} yet.", 503)


def queue_url(cloud: CloudContext, arn: str) -> str:
    """Return the URL for a queue's ARN; raises `ServiceError` (QueueDoesNotExist) for any other text."""
    if service_of(arn) != "sqs":
        raise ServiceError("QueueDoesNotExist", f"{arn} is not the ARN of a queue.")
    queue = Arn.parse(arn)
    return f"{cloud.url}/{queue.account}/{queue.resource}"


async def send(cloud: CloudContext, arn: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
    """Send a text to a target: as a function's event, invoked asynchronously, or as a queue's or topic's message.

    `attributes` become String message attributes of the queue's or topic's message.
    """
    service = service_of(arn)
    check_ready(cloud, service)
    if service == "lambda":
        await cloud.call("lambda", "Invoke", {"FunctionName": arn, "InvocationType": "Event", "Payload": text.encode()})
        return
    attribute_values = {
        name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
    }
    if service == "sqs":
        params: dict[str, Any] = {
            "QueueUrl": queue_url(cloud, arn),
            "MessageBody": text,
            "MessageAttributes": attribute_values,
        }
        await cloud.call("sqs", "SendMessage", params)
    else:
        await cloud.call("sns", "Publish", {"TopicArn": arn, "Message": text, "MessageAttributes": attribute_values})
