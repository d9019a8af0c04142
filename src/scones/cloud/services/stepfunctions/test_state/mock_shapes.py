"""Validation of a service integration's mocked result against the response in botocore's models."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from scones.cloud.services.stepfunctions.asl.resources import integration_name
from scones.cloud.services.stepfunctions.integrations.sdk_services import sdk_services
from scones.cloud.wire.model import service_model

_SERVICES = {
    "states": "stepfunctions",
    "elasticmapreduce": "emr",
    "bedrock": "bedrock-runtime",
}
"""Botocore's service names for optimized integrations whose name differs."""
_ANY_JSON = {
    ("lambda", "Invoke"): ("Payload",),
    ("bedrock-runtime", "InvokeModel"): ("Body",),
    ("stepfunctions", "DescribeExecution"): ("Input", "Output"),
}
"""Members that an optimized integration parses; they may be any JSON that a function, model or execution returned."""


class ShapeError(Exception):
    """Raised if the service could not return a mocked result; the text is the reason in AWS's words."""


def check_result(resource: str, result: Any, *, strict: bool) -> None:
    """Raise `ShapeError` if a result does not match the resource's API; `strict` also checks required members.

    Functions, activities, HTTP endpoints and tasks that wait for a token may return any JSON.
    """
    found = _output_shape(resource)
    if found is None:
        return
    shape, any_json = found
    if not isinstance(result, dict):
        raise ShapeError("Mocked result must be a JSON object")
    _Checker(strict).structure({name: value for name, value in result.items() if name not in any_json}, shape)


def _output_shape(resource: str) -> tuple[StructureShape, tuple[str, ...]] | None:
    """Return the shape of a resource's response and the members that may be any JSON; None if any result is valid."""
    name, _, pattern = (integration_name(resource) or "").partition(".")
    sdk = name.startswith("aws-sdk:")
    service, _, action = name.removeprefix("aws-sdk:").partition(":")
    if not action or pattern == "waitForTaskToken":
        return None
    known = sdk_services().get(service) if sdk else _SERVICES.get(service, service)
    operation = action[0].upper() + action[1:]
    if pattern.startswith("sync"):
        # The result of a `.sync` task is the description of its job. The shape is known for these two services
        # only; mocks of other services are not checked.
        described = {"stepfunctions": "DescribeExecution", "sagemaker": re.sub("^Create", "Describe", operation)}
        operation = described.get(known or "", "")
    try:
        model = service_model(known or "")
        shape = model.operation_model(operation).output_shape if operation in model.operation_names else None
    except DataNotFoundError:
        return None
    if not isinstance(shape, StructureShape):
        return None
    return shape, () if sdk else _ANY_JSON.get((known or "", operation), ())


class _Checker:
    def __init__(self, strict: bool) -> None:
        self._strict = strict

    def structure(self, value: dict[str, Any], shape: StructureShape) -> None:
        members = {_pascal(name): member for name, member in shape.members.items()}
        for name in map(_pascal, shape.required_members if self._strict else ()):
            if name not in value:
                raise ShapeError(f"Required field '{name}' is missing")
        for name, item in value.items():
            if name in members:  # unknown members are accepted, as on AWS
                self.value(name, item, members[name])

    def value(self, name: str, value: Any, shape: Shape) -> None:
        if isinstance(shape, StructureShape):
            if not shape.is_document_type:
                self.structure(_typed(name, value, dict, "an object"), shape)
        elif isinstance(shape, ListShape):
            items = _typed(name, value, list, "an array")
            _bounds(name, len(items), shape, "is smaller than the minimum length", "exceeds the maximum length")
            for item in items:
                self.value(name, item, shape.member)
        elif isinstance(shape, MapShape):
            for item in _typed(name, value, dict, "an object").values():
                self.value(name, item, shape.value)
        else:
            _scalar(name, value, shape)


def _scalar(name: str, value: Any, shape: Shape) -> None:
    if shape.type_name in ("integer", "long", "float", "double"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ShapeError(f"Field '{name}' must be a number")
        _bounds(name, value, shape, "is less than the minimum value", "exceeds the maximum value")
    elif shape.type_name == "boolean":
        _typed(name, value, bool, "a boolean")
    else:  # strings, timestamps and blobs, which are strings in JSON
        text = _typed(name, value, str, "a string")
        if shape.type_name != "timestamp":
            _bounds(name, len(text), shape, "is smaller than the minimum length", "exceeds the maximum length")
        if isinstance(shape, StringShape) and shape.enum and text not in shape.enum:
            raise ShapeError(f"Field '{name}' is not an expected value")


def _bounds(name: str, size: float, shape: Shape, below: str, above: str) -> None:
    if size < shape.metadata.get("min", size):
        raise ShapeError(f"Field '{name}' {below}")
    if size > shape.metadata.get("max", size):
        raise ShapeError(f"Field '{name}' {above}")


def _typed(name: str, value: Any, kind: type, description: str) -> Any:
    if not isinstance(value, kind):
        raise ShapeError(f"Field '{name}' must be {description}")
    return value


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]
