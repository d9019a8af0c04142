"""`aws-sdk:SERVICE:operation`: every operation that the local cloud offers, through botocore's models.

Names are those of the AWS SDK for Java 2, which Step Functions calls on AWS: members in Pascal case, errors as
`S3.NoSuchBucketException`, and a service's own exception (`S3.S3Exception`) for what its model does not name.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from scones.cloud.cloud import Cloud, read_body
from scones.cloud.errors import ServiceError
from scones.cloud.services.states.failures import StateFailedError
from scones.cloud.services.states.integrations.sdk_services import operation_name, sdk_service
from scones.cloud.services.states.text import dumps
from scones.cloud.services.states.timestamps import format_timestamp, parse_timestamp
from scones.cloud.wire.model import error_shape, service_model


async def sdk_call(cloud: Cloud, name: str, parameters: Any) -> Any:
    """Call the operation that `aws-sdk:SERVICE:operation` names; fail with the SDK's error name and cause."""
    _, sdk_name, action = name.split(":")
    service = sdk_service(sdk_name, frozenset(cloud.services)) or sdk_name
    model = service_model(service).operation_model(operation_name(action))
    given = read_members(parameters, model.input_shape)
    try:
        answer = await cloud.call(service, model.name, given, check=True)
    except ServiceError as error:
        raise _failure(service, error) from error
    return await write_members(answer, model.output_shape)


def read_members(value: Any, shape: Shape | None) -> Any:
    """Return a Task's parameters as the members of a shape: names of either case, texts where text is asked for."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = {_pascal(name): name for name in shape.members}
        unknown = [name for name in value if _pascal(name) not in known]
        if unknown:
            listed = ", ".join(f'The field "{name}" is not supported by Step Functions' for name in unknown)
            raise StateFailedError("States.Runtime", listed, fatal=True)
        named = ((known[_pascal(name)], item) for name, item in value.items() if item is not None)
        return {name: read_members(item, shape.members[name]) for name, item in named}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [read_members(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: read_members(item, shape.value) for name, item in value.items()}
    return _scalar(value, shape)


def _scalar(value: Any, shape: Shape | None) -> Any:
    kind = shape.type_name if shape is not None else None
    if kind == "blob":
        return (value if isinstance(value, str) else dumps(value)).encode()
    if kind == "string" and isinstance(value, (dict, list)):
        return dumps(value)
    if kind == "timestamp" and isinstance(value, str):
        return parse_timestamp(value) or value
    if kind == "timestamp" and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    return value


async def write_members(value: Any, shape: Shape | None) -> Any:
    """Return an answer as JSON: names in Pascal case, times in ISO 8601, bytes and streams as text."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = ((name, item) for name, item in value.items() if name in shape.members and item is not None)
        return {_pascal(name): await write_members(item, shape.members[name]) for name, item in known}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [await write_members(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: await write_members(item, shape.value) for name, item in value.items()}
    if isinstance(value, datetime):
        return format_timestamp(value.timestamp())
    if isinstance(shape, Shape) and shape.type_name == "timestamp" and isinstance(value, (int, float)):
        return format_timestamp(value)
    if isinstance(value, (bytes, AsyncIterator)):
        return (await read_body(value)).decode("utf-8", "replace")
    return value if shape is not None else {}


def java_name(service_id: str) -> str:
    """Return what the AWS SDK for Java calls a service: `SFN` is `Sfn`, `DynamoDB` is `DynamoDb`."""
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", service_id)
    return "".join(word[0].upper() + word[1:].lower() for word in words)


def _failure(service: str, error: ServiceError) -> StateFailedError:
    called = java_name(service_model(service).service_id)
    shape = error_shape(service, error.code)
    status = shape.metadata.get("error", {}).get("httpStatusCode", error.status) if shape else error.status
    kind = called if shape is None else re.sub(r"(Exception|Fault)$", "", shape.name)
    request = f"Request ID: {uuid.uuid4()}"
    if service == "s3":
        request += f", Extended Request ID: {uuid.uuid4().hex}"
    cause = f"{error.message} (Service: {called}, Status Code: {status}, {request}) (SDK Attempt Count: 1)"
    return StateFailedError(f"{called}.{kind}Exception", cause)


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]
