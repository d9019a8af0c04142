"""Handing a text to what an ARN names: a function, a queue or a topic."""

from __future__ import annotations

from collections.abc import Mapping

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


async def send(cloud: Cloud, arn: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
    """Invoke a function with a text as its event, later; or send a queue or topic a message with text attributes."""
    service = service_of(arn)
    check_ready(cloud, service)
    if service == "lambda":
        params = {"FunctionName": arn, "InvocationType": "Event", "Payload": text.encode()}
        await cloud.call("lambda", "Invoke", params)
        return
    told = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
    if service == "sqs":
        *_, account, name = arn.split(":")
        queue = f"{cloud.url}/{account}/{name}"
        await cloud.call("sqs", "SendMessage", {"QueueUrl": queue, "MessageBody": text, "MessageAttributes": told})
    else:
        await cloud.call("sns", "Publish", {"TopicArn": arn, "Message": text, "MessageAttributes": told})
