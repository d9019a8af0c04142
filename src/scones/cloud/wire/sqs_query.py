"""The Query protocol of SQS, which SDKs before 2023 and plain HTTP requests use.

botocore's model has only the names of the JSON protocol. The names here are those of the SQS API Reference's examples.
"""

from __future__ import annotations

from typing import Any

NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"

_MEMBER_NAMES = {
    "AWSAccountIds": "AWSAccountId",
    "Actions": "ActionName",
    "AttributeNames": "AttributeName",
    "Attributes": "Attribute",
    "BinaryListValues": "BinaryListValue",
    "Failed": "BatchResultErrorEntry",
    "MessageAttributeNames": "MessageAttributeName",
    "MessageAttributes": "MessageAttribute",
    "MessageSystemAttributeNames": "MessageSystemAttributeName",
    "MessageSystemAttributes": "MessageSystemAttribute",
    "Messages": "Message",
    "QueueUrls": "QueueUrl",
    "StringListValues": "StringListValue",
    "TagKeys": "TagKey",
    "Tags": "Tag",
    "queueUrls": "QueueUrl",
    "tags": "Tag",
}
_NAMED_BY_ITEM = {"Entries", "Results", "Successful"}
"""Lists whose items have the name of their shape."""


def description(of_json: Any) -> Any:  # botocore's type for a model is a mapping to Any
    """Return SQS's model for the Query protocol, derived from the model for JSON."""
    shapes = of_json["shapes"]
    return {
        **of_json,
        "metadata": {**of_json["metadata"], "xmlNamespace": NAMESPACE},
        "shapes": {name: _shape(shape, shapes) for name, shape in shapes.items()},
    }


def _shape(shape: Any, shapes: Any) -> Any:
    if shape["type"] == "structure":
        members = {name: _member(name, member, shapes) for name, member in shape["members"].items()}
        return {**shape, "members": members}
    if shape["type"] == "map":
        key, value = ("Key", "Value") if shape["key"]["shape"] == "TagKey" else ("Name", "Value")
        named = {"key": {**shape["key"], "locationName": key}, "value": {**shape["value"], "locationName": value}}
        return {**shape, **named}
    return shape


def _member(name: str, member: Any, shapes: Any) -> Any:
    if name in _NAMED_BY_ITEM:
        return {**member, "locationName": shapes[member["shape"]]["member"]["shape"]}
    return {**member, "locationName": _MEMBER_NAMES[name]} if name in _MEMBER_NAMES else member
