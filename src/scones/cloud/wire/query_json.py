"""JSON answers of the Query protocol, which AWS's services send to clients that accept `application/json`.

The form is known from recorded answers of SQS, SNS and STS: absent members are null, and SQS's maps are lists of names
and values.
"""

from __future__ import annotations

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from scones.cloud.wire.document import document_of
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.write_json import dump

_SQS_MEMBERS = {"Messages": "messages", "QueueUrls": "queueUrls"}
"""Members that SQS spells differently in this form."""


def query_json_body(operation: OperationModel, members: Members, request_id: str) -> bytes:
    """Return the body of a response."""
    document: Members = {"ResponseMetadata": {"RequestId": request_id}}
    if shape := operation.output_shape:
        sqs = operation.service_model.service_name == "sqs"
        document = {f"{operation.name}Result": _structure(members, shape, sqs), **document}
    return dump({f"{operation.name}Response": document})


def query_json_error_body(code: str, message: str, status: int, request_id: str) -> bytes:
    """Return the body of an error."""
    error = {"Code": code, "Message": message, "Type": "Sender" if status < 500 else "Receiver"}
    return dump({"Error": error, "RequestId": request_id})


def _structure(members: Members, shape: StructureShape, sqs: bool) -> Members:
    return {
        _SQS_MEMBERS.get(name, name) if sqs else name: _value(members.get(name), member, sqs)
        for name, member in shape.members.items()
    }


def _value(value: MemberValue, shape: Shape, sqs: bool) -> MemberValue:
    if value is None:
        return None
    if isinstance(shape, StructureShape):
        return _structure(value, shape, sqs)
    if isinstance(shape, ListShape):
        return [_value(item, shape.member, sqs) for item in value]
    if isinstance(shape, MapShape):
        items = {key: _value(item, shape.value, sqs) for key, item in value.items()}
        return [{"Name": key, "Value": item} for key, item in items.items()] if sqs else items
    return document_of(shape, "json")(value)
