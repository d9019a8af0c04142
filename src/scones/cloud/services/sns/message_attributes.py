"""Validation of message attributes, with SNS's words; their form is that of SQS."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

_NAME_LIMIT = 256
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def check_message_attributes(attributes: Mapping[str, Members]) -> None:
    """Raise `ParameterValueInvalid` for the first attribute that is not allowed."""
    for name, attribute in attributes.items():
        _check_name(name)
        _check_value(name, attribute)


def _check_name(name: str) -> None:
    if len(name.encode()) >= _NAME_LIMIT:
        raise _invalid(f"Length of message attribute name must be less than {_NAME_LIMIT} bytes.")
    if found := _NOT_IN_NAME.search(name):
        raise _invalid(
            f"Invalid non-alphanumeric character '#x{ord(found[0]):X}' was found in the message attribute name. Can "
            "only include alphanumeric characters, hyphens, underscores, or dots."
        )
    if name.startswith("."):
        raise _invalid("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise _invalid("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise _invalid("Message attribute name can not have successive '.' character.")


def _check_value(name: str, attribute: Members) -> None:
    parsed = _TYPE.fullmatch(attribute["DataType"])
    if parsed is None:
        raise _invalid(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    kind = parsed[1]
    member, other = ("BinaryValue", "StringValue") if kind == "Binary" else ("StringValue", "BinaryValue")
    if not attribute.get(member):
        if attribute.get(other):
            field = member.removesuffix("Value")
            raise _invalid(f"The message attribute '{name}' with type '{kind}' must use field '{field}'.")
        raise _invalid(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type "
            f"'{attribute['DataType']}'."
        )
    if kind == "Number" and not _is_number(attribute["StringValue"]):
        raise _invalid(f"Could not cast message attribute '{name}' value to number.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _invalid(message: str) -> ServiceError:
    return ServiceError("ParameterValueInvalid", message)
