"""Queue attributes: their defaults and the values that AWS allows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from scones.cloud.core.json_types import JsonDocument
from scones.cloud.errors import ServiceError
from scones.cloud.services.sqs.errors import invalid

DEFAULTS = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}
FIFO_DEFAULTS = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}

_RANGES = {
    "VisibilityTimeout": (0, 43_200),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_BOOLEANS = ("FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled")
_CHOICES = {
    **dict.fromkeys(_BOOLEANS, ("true", "false")),
    "DeduplicationScope": ("messageGroup", "queue"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
_TEXTS = {"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"}
_UNKNOWN_TO_STANDARD = {"FifoQueue", "ContentBasedDeduplication"}
_FIFO_ONLY = {"DeduplicationScope", "FifoThroughputLimit"}
_REUSE_DEFAULT = "300"
"""AWS does not show the attribute KmsDataKeyReusePeriodSeconds with this value, its default."""
_QUEUE_ARN = re.compile(r"arn:aws[\w-]*:sqs:[\w-]+:[0-9]{12}:[\w.-]+")


def stored_form(given: Mapping[str, str]) -> dict[str, str]:
    """Return attributes as SQS stores them; an empty text removes an attribute.

    Booleans become lower-case. A KMS key turns the encryption with SQS's own keys off.
    """
    stored = {name: value.lower() if name in _BOOLEANS else value for name, value in given.items()}
    if stored.get("KmsMasterKeyId"):
        stored.setdefault("SqsManagedSseEnabled", "false")
    if stored.get("KmsDataKeyReusePeriodSeconds") == _REUSE_DEFAULT:
        stored["KmsDataKeyReusePeriodSeconds"] = ""
    return stored


def check_attributes(given: Mapping[str, str], *, fifo: bool) -> None:
    """Raise SQS's error for the first attribute that is unknown or whose value is not allowed."""
    for name, value in given.items():
        unknown = name not in _RANGES and name not in _CHOICES and name not in _TEXTS
        if unknown or (name in _UNKNOWN_TO_STANDARD and not fifo):
            raise ServiceError("InvalidAttributeName", f"Unknown Attribute {name}.")
        if name in _FIFO_ONLY and not fifo:
            raise ServiceError(
                "InvalidAttributeName", f"You can specify the {name} only when FifoQueue is set to true."
            )
        if value == "" and name in _TEXTS:  # an empty text removes the attribute
            continue
        if not _allowed(name, value):
            raise ServiceError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
    if given.get("KmsMasterKeyId") and given.get("SqsManagedSseEnabled", "").lower() == "true":
        raise ServiceError(
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS "
            "SSE.",
        )
    by_group = given.get("DeduplicationScope", "messageGroup") == "messageGroup"
    if given.get("FifoThroughputLimit") == "perMessageGroupId" and not by_group:
        raise invalid(
            "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup."
        )


def _allowed(name: str, value: str) -> bool:
    if name in _RANGES:
        low, high = _RANGES[name]
        return bool(re.fullmatch(r"[0-9]{1,9}", value)) and low <= int(value) <= high
    if name in _CHOICES:
        return (value.lower() if name in _BOOLEANS else value) in _CHOICES[name]
    if name == "KmsMasterKeyId":
        return True
    return _document(value) is not None


def _document(text: str) -> JsonDocument | None:
    """Parse a text as a JSON object; return None if it is not one."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def redrive_policy(text: str) -> tuple[str, int]:
    """Return a RedrivePolicy's dead-letter queue ARN and maxReceiveCount; raises `InvalidParameterValueException`."""
    policy = _document(text)
    target, count = (policy.get("deadLetterTargetArn"), policy.get("maxReceiveCount")) if policy else (None, None)
    if target is None or count is None:
        raise invalid(
            f"Value {text} for parameter RedrivePolicy is invalid. Reason: Redrive policy does not contain mandatory "
            f"attribute: {'deadLetterTargetArn' if target is None else 'maxReceiveCount'}."
        )
    if not re.fullmatch(r"[0-9]{1,4}", str(count)) or not 1 <= int(count) <= 1000:
        raise invalid(
            f"Value {text} for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount: "
            f"{count}, valid values are from 1 to 1000 both inclusive."
        )
    if not _QUEUE_ARN.fullmatch(str(target)):
        raise invalid(
            f"Value {text} for parameter RedrivePolicy is invalid. Reason: Invalid value for deadLetterTargetArn."
        )
    return str(target), int(count)


def redrive_allowed(text: str, source_arn: str) -> bool:
    """Return True if a dead-letter queue's RedriveAllowPolicy permits a source queue."""
    policy = _document(text) or {}
    match policy.get("redrivePermission", "allowAll"):
        case "denyAll":
            return False
        case "byQueue":
            return source_arn in policy.get("sourceQueueArns", ())
    return True
