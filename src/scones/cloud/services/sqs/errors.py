"""SQS's errors, with its messages."""

from __future__ import annotations

from botocore.model import ListShape, StructureShape

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

_ENTRIES = "Entries"
"""The entries of a batch. A request in the Query protocol cannot contain an empty list; AWS reports an empty batch."""


def no_queue() -> ServiceError:
    """Return the error for a queue that does not exist."""
    return ServiceError("QueueDoesNotExist", "The specified queue does not exist.")


def invalid(message: str) -> ServiceError:
    """Return the error for a value that is not allowed."""
    return ServiceError("InvalidParameterValueException", message)


def invalid_parameter(value: object, name: str, reason: str) -> ServiceError:
    """Return the error for a named parameter whose value is not allowed."""
    return invalid(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def missing(name: str) -> ServiceError:
    """Return the error for a required parameter that is missing."""
    return ServiceError("MissingRequiredParameterException", f"The request must contain the parameter {name}.")


def check_range(value: int | None, name: str, low: int, high: int) -> None:
    """Raise `InvalidParameterValueException` if an integer parameter is out of its range."""
    if value is not None and not low <= value <= high:
        raise invalid_parameter(value, name, f"Must be >= {low} and <= {high}, if provided.")


def require(params: Members, shape: StructureShape, path: str = "") -> None:
    """Raise SQS's error for the first required member that is missing, including members of list items."""
    for name in shape.required_members:
        if params.get(name) is None and name != _ENTRIES:
            raise missing(path + name)
    for name, member in shape.members.items():
        if isinstance(member, ListShape) and isinstance(member.member, StructureShape):
            for index, item in enumerate(params.get(name) or (), 1):
                require(item, member.member, f"{member.member.name}.{index}.")
