"""Message attributes: validation, MD5, and selection for a receiver."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Iterable, Mapping

from scones.cloud.services.sqs.errors import invalid
from scones.cloud.wire.members import Members

Attributes = Mapping[str, Members]
"""Message attributes by name: each has DataType, and StringValue (text) or BinaryValue (bytes)."""

_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z\u00c0-\u017f0-9_.-]{1,256}(?<!\.)")
"""AWS also accepts letters with accents; its documentation does not say which."""
_TYPE = re.compile(r"(String|Number|Binary)(\..{1,250})?")
_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def has_forbidden_characters(text: str) -> bool:
    """Return True if a text has characters that are forbidden in bodies and string values (XML 1.0's rule)."""
    return _CHARACTERS.search(text) is not None


def check_message_attributes(attributes: Attributes) -> None:
    """Raise SQS's error for the first attribute that is not allowed."""
    if len(attributes) > 10:
        raise invalid(f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [10].")
    for name, attribute in attributes.items():
        if not _NAME.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
            raise invalid(
                "Message (user) attributes name can contain only alphanumeric characters, hyphens, underscores and "
                f"periods, and cannot begin with AWS. or Amazon.: {name}"
            )
        check_value(name, attribute)


def check_value(name: str, attribute: Members) -> None:
    """Raise SQS's error for an attribute whose type or value is not allowed."""
    kind = attribute.get("DataType") or ""
    if not kind:
        raise invalid(f"The message attribute '{name}' must contain non-empty message attribute type.")
    parsed = _TYPE.fullmatch(kind)
    if parsed is None:
        raise invalid(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    value = attribute.get("BinaryValue" if parsed[1] == "Binary" else "StringValue")
    if not value:
        raise invalid(f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'.")
    if parsed[1] == "Number" and not _number(value):
        raise invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    if isinstance(value, str) and has_forbidden_characters(value):
        raise invalid(f"Invalid characters found in the value of the message attribute '{name}'.")


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def attributes_size(attributes: Attributes) -> int:
    """Return the number of bytes that attributes add to a message: names, types and values.

    The attributes need not be valid: a batch's size is checked before its entries.
    """
    return sum(
        len(name.encode()) + len((attribute.get("DataType") or "").encode()) + len(_value(attribute))
        for name, attribute in attributes.items()
    )


def attributes_md5(attributes: Attributes) -> str | None:
    """Return the MD5 that SDKs verify: SQS Developer Guide, "Calculating the MD5 message digest for attributes"."""
    if not attributes:
        return None
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        for part in (name.encode(), attribute["DataType"].encode()):
            digest.update(struct.pack(">I", len(part)) + part)
        value = _value(attribute)
        digest.update((b"\x02" if _binary(attribute) else b"\x01") + struct.pack(">I", len(value)) + value)
    return digest.hexdigest()


def text_md5(text: str) -> str:
    """Return the MD5 of a body."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _binary(attribute: Members) -> bool:
    return str(attribute.get("DataType")).startswith("Binary")


def _value(attribute: Members) -> bytes:
    return attribute.get("BinaryValue") or b"" if _binary(attribute) else str(attribute.get("StringValue", "")).encode()


def select(attributes: Attributes, names: Iterable[str]) -> dict[str, Members]:
    """Return the attributes that a receiver requests, by name, by `prefix.*`, or with `All`."""
    requested = list(names)
    if any(name in requested for name in ("All", "*", ".*")):
        return dict(attributes)
    prefixes = tuple(name.removesuffix(".*") for name in requested if name.endswith(".*"))
    return {
        name: value
        for name, value in attributes.items()
        if name in requested or (prefixes and name.startswith(prefixes))
    }


def to_json(attributes: Attributes) -> dict[str, Members]:
    """Return attributes in a form for JSON, with bytes in base64."""
    return {
        name: {key: base64.b64encode(value).decode() if key == "BinaryValue" else value for key, value in given.items()}
        for name, given in attributes.items()
    }


def from_json(document: Attributes) -> dict[str, Members]:
    """Return attributes from the form that `to_json` returns."""
    return {
        name: {key: base64.b64decode(value) if key == "BinaryValue" else value for key, value in given.items()}
        for name, given in document.items()
    }
