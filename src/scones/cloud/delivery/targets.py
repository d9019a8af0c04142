"""Delivery of a message to a target that an ARN names: a function, a queue, a topic or a state machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, service_of
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMessage:
    """A message for a target. A function receives only the text, as its event."""

    text: str
    attributes: Members = field(default_factory=dict)
    """Message attributes, as SendMessage and Publish take them."""
    subject: str | None = None
    """Subject for a topic."""
    group: str | None = None
    """MessageGroupId for a queue."""
    deduplication_id: str | None = None
    """MessageDeduplicationId for a queue."""
    trace: str | None = None
    """X-Ray trace header for a queue."""


async def send(cloud: CloudContext, arn: str, message: TargetMessage) -> None:
    """Send a message to a target: a function is invoked asynchronously, and a topic publishes the message."""
    service = service_of(arn)
    check_ready(cloud, service)
    if service == "lambda":
        params: Members = {"FunctionName": arn, "InvocationType": "Event", "Payload": message.text.encode()}
        await cloud.call("lambda", "Invoke", params)
    elif service == "sns":
        params = {"TopicArn": arn, "Message": message.text, "MessageAttributes": message.attributes}
        if message.subject is not None:
            params["Subject"] = message.subject
        await cloud.call("sns", "Publish", params)
    else:
        await send_to_queue(cloud, arn, message)


async def start_execution(cloud: CloudContext, machine: str, text: str, name: str) -> None:
    """Start an execution of a state machine; a repeated delivery has the same name and starts no second one."""
    params = {"stateMachineArn": machine, "input": text, "name": name}
    try:
        await cloud.call("stepfunctions", "StartExecution", params)
    except ServiceError as error:
        if error.code != "ExecutionAlreadyExists":
            raise


async def send_to_queue(cloud: CloudContext, arn: str, message: TargetMessage) -> None:
    """Send a message to a queue; raises `ServiceError` (QueueDoesNotExist) if the ARN is not the ARN of a queue."""
    params: Members = {
        "QueueUrl": queue_url(cloud, arn),
        "MessageBody": message.text,
        "MessageAttributes": message.attributes,
    }
    if message.group:
        params["MessageGroupId"] = message.group
    if message.deduplication_id is not None:
        params["MessageDeduplicationId"] = message.deduplication_id
    if message.trace is not None:
        params["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": message.trace}}
    await cloud.call("sqs", "SendMessage", params)


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


def text_attributes(values: Mapping[str, str]) -> Members:
    """Return message attributes of the type String."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
