"""Writing of an operation's response or error, by the service's protocol."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote

from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from scones.cloud.errors import ServiceError
from scones.cloud.wire import cbor_document, event_stream
from scones.cloud.wire.document import document_of
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model import error_shape
from scones.cloud.wire.query_error import query_code, query_error, query_message
from scones.cloud.wire.query_json import query_json_body, query_json_error_body
from scones.cloud.wire.response import Response
from scones.cloud.wire.scalar_text import scalar_text
from scones.cloud.wire.write_json import dump
from scones.cloud.wire.write_xml import element, query_body, query_error_body, s3_document

LARGE_RESPONSE = 512 << 10
"""Bytes from which a response takes more than a few milliseconds to write and is written on a thread."""
_CBOR_HEADERS = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
_SAMPLE = 10
"""Maximum number of list items that are sampled to estimate a size."""
_SCALAR_BYTES = 16
"""Estimated bytes of a number or time."""


def serialize(operation: OperationModel, members: Members, request_id: str, status: int | None = None) -> Response:
    """Return the response with the operation's output members; members that are None are left out."""
    service = operation.service_model
    shape = operation.output_shape
    response = Response(status or operation.http.get("responseCode", 200), request_id_headers(service, request_id))
    match service.metadata["protocol"]:
        case "json" if shape and (stream := event_stream.stream_member(shape)):
            response.headers["content-type"] = event_stream.CONTENT_TYPE
            response.body = event_stream.with_initial_response(members[stream], shape.members[stream])
        case "json":
            response.headers["content-type"] = f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"
            response.body = dump(document_of(shape, "json")(members)) if shape else b""
        case "smithy-rpc-v2-cbor":
            response.headers |= _CBOR_HEADERS
            response.body = cbor_document.dump(document_of(shape, "cbor")(members) if shape else {})
        case "query":
            if "answersJson" in service.metadata:
                response.headers["content-type"] = "application/json"
                response.body = query_json_body(operation, members, request_id)
            else:
                response.headers["content-type"] = "text/xml"
                response.body = query_body(operation, members, request_id)
        case protocol if shape:
            _rest(response, operation, members, shape, xml=protocol == "rest-xml")
    return response


def size_of(members: MemberValue) -> int:
    """Estimate the bytes of a response; samples a few items of long lists."""
    return _size(members, 4)


def _size(value: MemberValue, depth: int) -> int:
    """Estimate the bytes of a value."""
    if isinstance(value, str | bytes):
        return len(value)
    if not depth or not isinstance(value, dict | list):
        return _SCALAR_BYTES
    if isinstance(value, dict):
        total = 0
        for each in value.values():  # runs for every response: a loop without calls for strings is faster
            if type(each) is str:
                total += len(each)
            elif each is not None:
                total += _size(each, depth - 1)
        return total
    sample = value[:: len(value) // _SAMPLE + 1]
    return len(value) * sum(_size(each, depth - 1) for each in sample) // max(1, len(sample))


def serialize_error(service: ServiceModel, error: ServiceError, request_id: str) -> Response:
    """Return an error in the service's format."""
    shape = error_shape(service.service_name, error.code)
    protocol = service.metadata["protocol"]
    traits = shape.metadata.get("error", {}) if shape else {}
    named_type = protocol in ("json", "smithy-rpc-v2-cbor")
    status = error.status if named_type else traits.get("httpStatusCode", error.status)
    headers = request_id_headers(service, request_id) | error.members.get("Headers", {})
    response = Response(status, headers)
    if status == 304:
        return response
    if protocol == "query":
        code = query_code(error.code, shape)
        _query_error(response, service, code, query_message(code, error.message), request_id)
    elif protocol == "rest-xml":
        _s3_error(response, error, request_id)
    else:
        document: Members = {"__type": error.code} if named_type else {}
        document |= _error_members(error, shape, status)
        if named_type:
            response.headers |= query_error(service, error.code, shape, status)
        _error_document(response, service, error.code, document)
    return response


def _query_error(response: Response, service: ServiceModel, code: str, message: str, request_id: str) -> None:
    if "answersJson" in service.metadata and code != "UnknownOperationException":  # this one is always XML
        response.headers["content-type"] = "application/json"
        response.body = query_json_error_body(code, message, response.status, request_id)
    else:
        response.headers["content-type"] = "text/xml"
        response.body = query_error_body(service, code, message, response.status, request_id)


def _s3_error(response: Response, error: ServiceError, request_id: str) -> None:
    members = {"Code": error.code, "Message": error.message}
    extra = {name: str(value) for name, value in error.members.items() if name != "Headers"}
    tail = {"RequestId": request_id, "HostId": _host_id(request_id)}
    inner = "".join(element(name, text) for name, text in (members | extra | tail).items())
    response.headers["content-type"] = "application/xml"
    response.body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


def _error_document(response: Response, service: ServiceModel, code: str, document: Members) -> None:
    """Write an error as CBOR or JSON."""
    protocol = service.metadata["protocol"]
    if protocol == "smithy-rpc-v2-cbor":
        response.headers |= _CBOR_HEADERS
        response.body = cbor_document.dump(document)
        return
    response.headers["content-type"] = "application/json"
    response.headers["x-amzn-errortype"] = code
    if protocol == "json":
        response.headers["content-type"] = f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"
    response.body = dump(document)


def _error_members(error: ServiceError, shape: StructureShape | None, status: int) -> Members:
    document: Members = {}
    members = shape.members if shape else {}
    message = next((name for name in members if name.lower() == "message"), "message")
    if error.message:
        document[message] = error.message
    if "Type" in members:  # Lambda's errors name who caused them
        document["Type"] = "User" if status < 500 else "Service"
    return {name: value for name, value in (document | error.members).items() if value is not None}


def request_id_headers(service: ServiceModel, request_id: str) -> dict[str, str]:
    """Return the headers with the ID of a request."""
    if service.service_name == "s3":
        return {"x-amz-request-id": request_id, "x-amz-id-2": _host_id(request_id), "server": "AmazonS3"}
    return {"x-amzn-requestid": request_id}


def _host_id(request_id: str) -> str:
    return base64.b64encode(request_id.encode()).decode()


# --- REST -----------------------------------------------------------------------------------------------------------


def _rest(response: Response, operation: OperationModel, members: Members, shape: StructureShape, xml: bool) -> None:
    body: Members = {}
    locations = _member_locations(shape)
    for member, value in members.items():
        if member not in locations or value is None:
            continue
        location, name = locations[member]
        match location:
            case "header":
                text = _header(value, shape.members[member])
                response.headers[name] = text if xml or text.isascii() else quote(text)
            case "headers":
                response.headers |= {name + key: text for key, text in value.items()}
            case "statusCode":
                response.status = value
            case _:
                body[member] = value
    payload = shape.serialization.get("payload")
    if payload:
        value = body.get(payload)
        if value is None:
            return
        payload_shape = shape.members[payload]
        if isinstance(payload_shape, StructureShape) and payload_shape.serialization.get("eventstream"):
            response.headers["content-type"] = event_stream.CONTENT_TYPE
            response.body = event_stream.encoded(value, payload_shape)
            return
        if not isinstance(payload_shape, StructureShape):
            response.body = value.encode() if isinstance(value, str) else value
            return
        response.body = _document(operation, value, payload_shape, xml)
    elif any("location" not in member.serialization for member in shape.members.values()):
        response.body = _document(operation, body, shape, xml)
    else:
        return
    response.headers.setdefault("content-type", "application/xml" if xml else "application/json")


@cache
def _member_locations(shape: StructureShape) -> Mapping[str, tuple[str, str]]:
    """Return the location of each response member, and its name or prefix there, in lower case."""
    found: dict[str, tuple[str, str]] = {}
    for member, member_shape in shape.members.items():
        location = member_shape.serialization.get("location", "body")
        name = member_shape.serialization.get("name", "" if location == "headers" else member)
        found[member] = location, name.lower()
    return found


def _header(value: MemberValue, shape: Shape) -> str:
    if isinstance(shape, ListShape):
        return ",".join(_header(item, shape.member) for item in value)
    if shape.type_name == "timestamp":
        return scalar_text(value, shape, "rfc822")
    if shape.serialization.get("jsonvalue"):
        return base64.b64encode(json.dumps(value).encode()).decode()
    return scalar_text(value, shape, "rfc822")


def _document(operation: OperationModel, value: Members, shape: StructureShape, xml: bool) -> bytes:
    if not xml:
        return dump(document_of(shape, "json")(value))
    return s3_document(operation, value, shape)
