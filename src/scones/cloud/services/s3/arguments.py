"""S3's checks of a request against its model: other services have one error for all violations, S3 has many."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from botocore.model import ListShape, Shape, StringShape, StructureShape

from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import wire_name
from scones.cloud.wire.validate import violations

STORAGE_CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "GLACIER_IR",
        "DEEP_ARCHIVE",
    }
)
"""Storage classes of objects in general purpose buckets."""
CHECKED_LATER = frozenset(
    {
        "AccessControlPolicy",
        "BucketLocationConstraint",
        "BucketLogsPermission",
        "ChecksumAlgorithm",
        "FilterRuleName",
        "Protocol",
    }
)
"""Shapes that operations check themselves."""
_ANY_CASE = frozenset({"ChecksumAlgorithm", "ChecksumMode", "ChecksumType", "MetadataDirective", "TaggingDirective"})
"""Enumerations in headers whose values S3 accepts in any case."""
_MESSAGES = {
    "ACL": "",
    "EncodingType": "Invalid Encoding Method specified in Request",
    "MetadataDirective": "Unknown metadata directive.",
    "ObjectAttributes": "Invalid attribute name specified.",
    "ObjectLockMode": "Unknown wormMode directive.",
    "ServerSideEncryption": "The encryption method specified is not supported",
    "TaggingDirective": "Unknown tagging directive.",
}
"""Messages for values that are not in an enumeration."""


class _Arguments(NamedTuple):
    """The members of an operation's input by their location, with their names on the wire."""

    enumerations: list[tuple[str, str, frozenset[str]]]
    numbers: list[tuple[str, str, Shape]]
    in_body: list[tuple[str, bool, Shape]]
    """For each member: its name, True if it is required, and its shape."""


def check_arguments(params: Members, shape: StructureShape) -> None:
    """Raise S3's error for parameters that violate an operation's model; write enumerations as the model does.

    The error is `MalformedXML` for the body, and mostly `InvalidArgument` for a header or a query parameter.
    """
    enumerations, numbers, in_body = _arguments_of(shape)
    for member, name, values in enumerations:
        if member in params:
            params[member] = _each(params[member], lambda value: _enumerated(member, name, value, values))  # noqa: B023
    for member, name, number in numbers:
        if member in params and violations(params[member], number):
            least, most = number.metadata.get("min", 0), number.metadata.get("max", (1 << 31) - 1)
            message = f"Argument {name} must be an integer between {least} and {most}"
            raise errors.invalid_argument(message, name, params[member])
    for member, required, member_shape in in_body:
        if member == "Tagging" and member in params:
            params[member].setdefault("TagSet", [])  # S3 accepts a document without a tag set
        if member not in params:
            if required:
                raise ServiceError("MissingRequestBodyError", "Request Body is empty")
        elif violations(params[member], member_shape, CHECKED_LATER):
            raise errors.malformed_xml()


def _each(value: str | list[str], convert: Callable[[str], str]) -> str | list[str]:
    return [convert(item) for item in value] if isinstance(value, list) else convert(value)


def _enumerated(member: str, name: str, value: str, values: frozenset[str]) -> str:
    """Return a value as the enumeration writes it; raises S3's error for one that the enumeration lacks."""
    if value in values:
        return value
    if member in _ANY_CASE:
        for candidate in values:
            if candidate.lower() == value.lower():
                return candidate
    if member == "ChecksumAlgorithm":
        return value.upper()
    if member == "StorageClass":
        raise ServiceError(
            "InvalidStorageClass", "The storage class you specified is not valid", StorageClassRequested=value
        )
    if member == "ObjectOwnership":
        message = f"Invalid {name} header: {value}"
        raise ServiceError("InvalidArgument", message, ArgumentName=name)
    if member == "TransitionDefaultMinimumObjectSize":
        raise ServiceError("InvalidRequest", f"Invalid {member} found: {value}")
    if member not in _MESSAGES:
        raise ServiceError("InvalidRequest", f"Value for {name} header is invalid.")
    raise errors.invalid_argument(_MESSAGES[member], name, value)


@cache
def _arguments_of(shape: StructureShape) -> _Arguments:
    found = _Arguments([], [], [])
    for member, member_shape in shape.members.items():
        item = member_shape.member if isinstance(member_shape, ListShape) else member_shape
        if "location" not in member_shape.serialization:
            if not member_shape.serialization.get("streaming"):
                found.in_body.append((member, member in shape.required_members, member_shape))
        elif isinstance(item, StringShape) and item.enum:
            values = STORAGE_CLASSES if member == "StorageClass" else frozenset(item.enum)
            found.enumerations.append((member, wire_name(shape, member), values))
        elif item.type_name in ("integer", "long"):
            found.numbers.append((member, wire_name(shape, member), item))
    return found
