"""Universal targets, which call an operation of a service: `arn:aws:scheduler:::aws-sdk:SERVICE:OPERATION`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.services.scheduler.errors import invalid
from scones.cloud.wire import json_document
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import service_model

PREFIX = "arn:aws:scheduler:::aws-sdk:"
_SERVICES = {
    "cloudwatch": "cloudwatch",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "iam": "iam",
    "lambda": "lambda",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "sagemakerruntime": "sagemaker-runtime",
    "scheduler": "scheduler",
    "sfn": "stepfunctions",
    "sns": "sns",
    "sqs": "sqs",
}
"""Botocore's names of the supported services, by their names in the AWS SDK for Java, which these ARNs use."""
_READ_ONLY = ("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup")
"""Beginnings of operations that AWS does not support (EventBridge Scheduler User Guide, "Using universal targets")."""


def check_universal_target(cloud: CloudContext, target: Members) -> None:
    """Raise `ValidationException` for an operation that does not exist, or whose input is invalid.

    AWS's wording of these errors is not known.
    """
    arn = target["Arn"]
    service, operation = _parse(arn)
    offered = cloud.supported_operations(service)  # empty for a service that has not started
    if offered and operation not in offered:
        raise invalid(f"The local cloud does not support the operation of target {arn}; AWS does.")
    _parameters(service, operation, target.get("Input", "{}"))


async def call_universal_target(cloud: CloudContext, arn: str, text: str) -> None:
    """Call the operation of a universal target with an input; raises `ServiceError`."""
    service, operation = _parse(arn)
    await cloud.call(service, operation, _parameters(service, operation, text), check=True)


def _parse(arn: str) -> tuple[str, str]:
    """Return botocore's names of the service and the operation in a universal target's ARN."""
    kind, _, action = arn.removeprefix(PREFIX).partition(":")
    service = _SERVICES.get(kind)
    if service is None:
        raise invalid(f"The local cloud does not support the service {kind} of target {arn}.")
    operation = action[:1].upper() + action[1:]
    if operation not in service_model(service).operation_names:
        raise invalid(f"{action} is not an operation of the service {kind}.")
    if action.startswith(_READ_ONLY):
        raise invalid(f"Universal targets do not support operations that only read data, such as {action}.")
    return service, operation


def _parameters(service: str, operation: str, text: str) -> Members:
    """Return an input as parameters of an operation; raises `ValidationException` if it is not an object."""
    try:
        given = json_document.load_text(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise invalid("The Input of a universal target must be a JSON object.")
    shape = service_model(service).operation_model(operation).input_shape
    parameters: Members = _converted(given, shape) if shape is not None else {}
    return parameters


def _converted(given: Any, shape: Shape) -> Any:
    """Convert JSON to the types of the model: text to bytes, and ISO times or Unix seconds to datetimes."""
    if isinstance(shape, StructureShape) and isinstance(given, dict):
        if unknown := sorted(given.keys() - shape.members.keys()):
            raise invalid(f"The Input has the member {unknown[0]}, which the operation does not have.")
        return {name: _converted(value, shape.members[name]) for name, value in given.items() if value is not None}
    if isinstance(shape, ListShape) and isinstance(given, list):
        return [_converted(item, shape.member) for item in given]
    if isinstance(shape, MapShape) and isinstance(given, dict):
        return {key: _converted(item, shape.value) for key, item in given.items()}
    if shape.type_name == "blob" and isinstance(given, str):
        return given.encode()
    if shape.type_name == "timestamp":
        return _moment(given)
    return given


def _moment(given: Any) -> datetime:
    try:
        if isinstance(given, str):
            moment = datetime.fromisoformat(given)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromtimestamp(given, UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise invalid(f"{given!r} is not a time.") from error
