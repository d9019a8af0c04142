"""Errors in the words of SQS."""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, StructureShape

from scones.cloud.errors import ServiceError


def no_queue() -> ServiceError:
    """Return the answer for a queue that is not there."""
    return ServiceError("QueueDoesNotExist", "The specified queue does not exist.")


def invalid(message: str) -> ServiceError:
    """Return the answer for a value that is not allowed."""
    return ServiceError("InvalidParameterValue", message)


def invalid_parameter(value: object, name: str, reason: str) -> ServiceError:
    """Return the answer for a named parameter's value that is not allowed."""
    return invalid(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def missing(name: str) -> ServiceError:
    """Return the answer for a parameter that has to be there."""
    return ServiceError("MissingParameter", f"The request must contain the parameter {name}.")


def in_range(value: int | None, name: str, low: int, high: int) -> None:
    """Raise `InvalidParameterValue` where an integer parameter is out of its range."""
    if value is not None and not low <= value <= high:
        raise invalid_parameter(value, name, f"Must be >= {low} and <= {high}, if provided.")


def require(params: dict[str, Any], shape: StructureShape, path: str = "") -> None:
    """Raise `MissingParameter` for the first required member that is not there, at any depth."""
    for name in shape.required_members:
        if params.get(name) is None:
            raise missing(path + name)
    for name, member in shape.members.items():
        if isinstance(member, ListShape) and isinstance(member.member, StructureShape):
            for index, item in enumerate(params.get(name) or (), 1):
                require(item, member.member, f"{member.member.name}.{index}.")
