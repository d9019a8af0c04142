"""Handing a text to what an ARN names: a function, a queue or a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError


def service_of(arn: str) -> str:
    """Return the service that an ARN names: "lambda", "sqs", "sns"; "" for what is no ARN."""
    parts = arn.split(":", 5)
    return parts[2] if len(parts) == 6 and parts[0] == "arn" else ""


def check_ready(cloud: Cloud, service: str) -> None:
    """Raise a fault that is tried again for a service of this cloud that has not started yet."""
    if service not in cloud.services:
        raise ServiceError("ServiceUnavailable", f"The local cloud has not started {service} yet.", 503)


def queue_url(cloud: Cloud, arn: str) -> str:
    """Return the URL of the queue that an ARN names; raises `ServiceError` (QueueDoesNotExist) for any other text."""
    if service_of(arn) != "sqs":
        raise ServiceError("QueueDoesNotExist", f"{arn} is not the ARN of a queue.")
    account, name = arn.split(":", 5)[4:]
    return f"{cloud.url}/{account}/{name}"


async def send(cloud: Cloud, arn: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
    """Invoke a function with a text as its event, later; or send a queue or topic a message with text attributes."""
    service = service_of(arn)
    check_ready(cloud, service)
    if service == "lambda":
        await cloud.call("lambda", "Invoke", {"FunctionName": arn, "InvocationType": "Event", "Payload": text.encode()})
        return
    told = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
    if service == "sqs":
        params: dict[str, Any] = {"QueueUrl": queue_url(cloud, arn), "MessageBody": text, "MessageAttributes": told}
        await cloud.call("sqs", "SendMessage", params)
    else:
        await cloud.call("sns", "Publish", {"TopicArn": arn, "Message": text, "MessageAttributes": told})
