"""Writing of an operation's response or error, by the service's protocol."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import orjson
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from scones.cloud.core.surrogates import well_formed
from scones.cloud.core.time_slices import on_thread, sliced_if_on_thread, sliced_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.wire import event_stream
from scones.cloud.wire.model import error_shape, wire_name
from scones.cloud.wire.query_error import query_error
from scones.cloud.wire.response import Response

XML_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
"""S3's root elements, which its model does not define."""

XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
LARGE = 512 << 10
"""Bytes from which a response takes more than a few milliseconds to write and is written on a thread."""
_SAMPLE = 10
"""Maximum number of list items that are sampled to estimate a size."""
_SCALAR = 16
"""Estimated bytes of a number or time."""
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain, not even escaped; U+FFFD replaces them."""
_NOT_PLAIN = re.compile("[^\t\n\x20-\x25\x27-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The same, and the characters that must be escaped."""
_TAG = re.compile(r"<(/?)[^>]*>[^<]*")


def serialize(
    operation: OperationModel, members: dict[str, Any], request_id: str, status: int | None = None
) -> Response:
    """Return the response with the operation's output members; members that are None are left out."""
    service = operation.service_model
    shape = operation.output_shape
    response = Response(status or operation.http.get("responseCode", 200), _request_id_headers(service, request_id))
    match service.metadata["protocol"]:
        case "json":
            response.headers["content-type"] = f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"
            response.body = _dump(_json_of(shape)(members)) if shape else b""
        case "query":
            response.headers["content-type"] = "text/xml"
            response.body = _query_body(operation, members, request_id)
        case protocol if shape:
            _rest(response, operation, members, shape, xml=protocol == "rest-xml")
    return response


def size_of(members: Any) -> int:
    """Estimate the bytes of a response; samples a few items of long lists."""
    return _size(members, 4)


def _size(value: Any, depth: int) -> int:
    """Estimate the bytes of a value."""
    if isinstance(value, str | bytes):
        return len(value)
    if not depth or not isinstance(value, dict | list):
        return _SCALAR
    if isinstance(value, dict):
        total = 0
        for each in value.values():  # runs for every response: a loop without calls for strings is faster
            total += len(each) if type(each) is str else _size(each, depth - 1)
        return total
    sample = value[:: len(value) // _SAMPLE + 1]
    return len(value) * sum(_size(each, depth - 1) for each in sample) // max(1, len(sample))


def serialize_error(service: ServiceModel, error: ServiceError, request_id: str, resource: str = "") -> Response:
    """Return an error in the service's format; `resource` is the path that S3 repeats."""
    shape = error_shape(service.service_name, error.code)
    protocol = service.metadata["protocol"]
    traits = shape.metadata.get("error", {}) if shape else {}
    status = traits.get("httpStatusCode", error.status) if protocol != "json" else error.status
    headers = _request_id_headers(service, request_id)
    if status == 304:
        return Response(304, headers | error.members.get("Headers", {}))
    if protocol in ("json", "rest-json"):
        headers["content-type"] = "application/json"
        headers["x-amzn-errortype"] = error.code
        headers |= query_error(service, error.code, status)
        if protocol == "json":
            headers["content-type"] = f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"
        return Response(status, headers, _dump(_json_error(error, shape, protocol, status)))
    members = {"Code": error.code, "Message": error.message}
    if protocol == "query":
        kind = "Sender" if status < 500 else "Receiver"
        inner = "".join(_element(name, text) for name, text in ({"Type": kind} | members).items())
        body = f"<ErrorResponse><Error>{inner}</Error>{_element('RequestId', request_id)}</ErrorResponse>"
        return Response(status, headers | {"content-type": "text/xml"}, body.encode())
    extra = {name: str(value) for name, value in error.members.items() if name != "Headers"}
    tail = {"Resource": resource, "RequestId": request_id, "HostId": _host_id(request_id)}
    inner = "".join(_element(name, text) for name, text in (members | extra | tail).items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
    return Response(status, headers | {"content-type": "application/xml"}, body.encode())


def _json_error(error: ServiceError, shape: StructureShape | None, protocol: str, status: int) -> dict[str, Any]:
    document: dict[str, Any] = {"__type": error.code} if protocol == "json" else {}
    members = shape.members if shape else {}
    message = next((name for name in members if name.lower() == "message"), "message")
    document[message] = error.message
    if "Type" in members:  # Lambda's errors name who caused them
        document["Type"] = "User" if status < 500 else "Service"
    return document | error.members


def _request_id_headers(service: ServiceModel, request_id: str) -> dict[str, str]:
    if service.service_name == "s3":
        return {"x-amz-request-id": request_id, "x-amz-id-2": _host_id(request_id)}
    return {"x-amzn-requestid": request_id}


def _host_id(request_id: str) -> str:
    return base64.b64encode(request_id.encode()).decode()


# --- REST -----------------------------------------------------------------------------------------------------------


def _rest(
    response: Response, operation: OperationModel, members: dict[str, Any], shape: StructureShape, xml: bool
) -> None:
    body: dict[str, Any] = {}
    locations = _member_locations(shape)
    for member, value in members.items():
        if member not in locations or value is None:
            continue
        location, name = locations[member]
        match location:
            case "header":
                response.headers[name] = _header(value, shape.members[member])
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


def _header(value: Any, shape: Shape) -> str:
    if isinstance(shape, ListShape):
        return ",".join(_header(item, shape.member) for item in value)
    if shape.type_name == "timestamp":
        return _text(value, shape, "rfc822")
    if shape.serialization.get("jsonvalue"):
        return base64.b64encode(json.dumps(value).encode()).decode()
    text = _text(value, shape, "rfc822")
    return text if text.isascii() else quote(text)


def _document(operation: OperationModel, value: dict[str, Any], shape: StructureShape, xml: bool) -> bytes:
    if not xml:
        return _dump(_json_of(shape)(value))
    if operation.name == "GetBucketLocation":  # the only response whose root is not a structure
        text = escape(value.get("LocationConstraint", ""))
        return f'<LocationConstraint xmlns="{S3_NAMESPACE}">{text}</LocationConstraint>'.encode()
    root = XML_ROOTS.get(operation.name) or shape.serialization.get("name") or shape.name
    inner = _xml_members(value, shape)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{S3_NAMESPACE}">{inner}</{root}>'.encode()


# --- JSON -----------------------------------------------------------------------------------------------------------


def _dump(document: dict[str, Any]) -> bytes:
    """Write a JSON document; on a thread in pieces, because orjson holds the interpreter lock for 6 ms per megabyte."""
    if not on_thread():
        return _dump_at_once(document)
    members = [_dump_at_once(name) + b":" + _dump_member(value) for name, value in document.items()]
    return b"{" + b",".join(members) + b"}"


def _dump_member(value: Any) -> bytes:
    if not isinstance(value, list):
        return _dump_at_once(value)
    return b"[" + b",".join([_dump_at_once(item) for item in sliced_on_thread(value)]) + b"]"


def _dump_at_once(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # integers beyond 64 bits, more than 254 nesting levels, unpaired surrogates
        return well_formed(json.dumps(document, separators=(",", ":"), ensure_ascii=False)).encode()


@cache
def _json_of(shape: Shape) -> Callable[[Any], Any]:
    """Return the function that converts a shape's values to JSON types."""
    if isinstance(shape, StructureShape):
        return _as_is if shape.is_document_type else _json_structure(shape)
    if isinstance(shape, ListShape):
        return lambda value: list(map(_json_of(shape.member), sliced_if_on_thread(value)))
    if isinstance(shape, MapShape):
        return lambda value: {key: _json_of(shape.value)(item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        form = shape.serialization.get("timestampFormat", "unixTimestamp")
        return _epoch if form == "unixTimestamp" else lambda value: _text(value, shape, form)
    if shape.type_name == "blob":
        return lambda value: base64.b64encode(value).decode()
    return _as_is


def _as_is(value: Any) -> Any:
    return value


def _json_structure(shape: StructureShape) -> Callable[[dict[str, Any]], dict[str, Any]]:
    known: dict[str, tuple[str, Callable[[Any], Any]]] = {}  # filled by use: shapes may contain themselves

    def convert(members: dict[str, Any]) -> dict[str, Any]:
        converted = {}
        for name, value in members.items():
            if value is None:
                continue
            if name not in known:
                if name not in shape.members:
                    continue
                known[name] = wire_name(shape, name), _json_of(shape.members[name])
            written, conversion = known[name]
            converted[written] = value if conversion is _as_is else conversion(value)
        return converted

    return convert


# --- XML ------------------------------------------------------------------------------------------------------------


def _query_body(operation: OperationModel, members: dict[str, Any], request_id: str) -> bytes:
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    result = ""
    if shape := operation.output_shape:
        wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
        result = f"<{wrapper}>{_xml_members(members, shape)}</{wrapper}>"
    metadata = f"<ResponseMetadata>{_element('RequestId', request_id)}</ResponseMetadata>"
    root = f"{operation.name}Response"
    return _indented(f'<{root} xmlns="{namespace}">{result}{metadata}</{root}>').encode()


def _indented(xml: str) -> str:
    """Write each element on its own line, as AWS's Query services do: executions record the length of responses."""
    lines: list[str] = []
    depth, leaf = 0, False
    for tag in sliced_if_on_thread(list(_TAG.finditer(xml))):
        depth -= tag[1] == "/"
        if leaf and tag[1]:
            lines[-1] += tag[0]
        else:
            lines.append("  " * depth + tag[0])
        depth += tag[1] == ""
        leaf = tag[1] == ""
    return "\n".join(lines) + "\n"


def _xml_members(members: dict[str, Any], shape: StructureShape) -> str:
    return _xml_structure(shape)(members)


@cache
def _xml_structure(shape: StructureShape) -> Callable[[dict[str, Any]], str]:
    """Return the writer of a structure's members, except for XML attributes."""
    known: dict[str, tuple[str, Callable[[str, Any], str]]] = {}  # filled by use: shapes may contain themselves

    def write(members: dict[str, Any]) -> str:
        pieces = []
        for name, value in members.items():
            if value is None:
                continue
            if name not in known:
                if name not in shape.members or shape.members[name].serialization.get("xmlAttribute"):
                    continue
                known[name] = wire_name(shape, name), _xml_of(shape.members[name])
            written, writer = known[name]
            pieces.append(writer(written, value))
        return "".join(pieces)

    return write


@cache
def _xml_of(shape: Shape) -> Callable[[str, Any], str]:
    """Return the writer of a shape's values; it takes an element's name and its value."""
    if isinstance(shape, StructureShape):
        return _xml_element_of(shape)
    if isinstance(shape, ListShape):
        return _xml_list(shape)
    if isinstance(shape, MapShape):
        return _xml_map(shape)
    if shape.type_name == "string":
        return _element
    return lambda name, value: _element(name, _text(value, shape, "iso8601"))


def _xml_element_of(shape: StructureShape) -> Callable[[str, Any], str]:
    attributes = [
        (member, wire_name(shape, member))
        for member, kind in shape.members.items()
        if kind.serialization.get("xmlAttribute")
    ]
    write_members = _xml_structure(shape)

    def write(name: str, value: dict[str, Any]) -> str:
        written = "".join(
            f' xmlns:xsi="{XSI_NAMESPACE}" {attribute}="{escape(value[member])}"'
            for member, attribute in attributes
            if member in value
        )
        return f"<{name}{written}>{write_members(value)}</{name}>"

    return write


def _xml_list(shape: ListShape) -> Callable[[str, Any], str]:
    flattened = shape.serialization.get("flattened")
    given = shape.member.serialization.get("name")

    def write(name: str, value: Any) -> str:
        writer, item_name = _xml_of(shape.member), given or (name if flattened else "member")
        items = "".join([writer(item_name, item) for item in sliced_if_on_thread(value)])
        return items if flattened else f"<{name}>{items}</{name}>"

    return write


def _xml_map(shape: MapShape) -> Callable[[str, Any], str]:
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")

    def write(name: str, value: Any) -> str:
        writer = _xml_of(shape.value)
        pairs = (_element(key_name, key) + writer(value_name, item) for key, item in value.items())
        return f"<{name}>{''.join(f'<entry>{pair}</entry>' for pair in pairs)}</{name}>"

    return write


def _element(name: str, text: str) -> str:
    text = str(text)
    if _NOT_PLAIN.search(text):
        text = escape(_NOT_IN_XML.sub(chr(0xFFFD), text), {chr(13): "&#13;"})
    return f"<{name}>{text}</{name}>"


# --- Scalars --------------------------------------------------------------------------------------------------------


def _text(value: Any, shape: Shape, timestamp_format: str) -> str:
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "timestamp":
            return _timestamp(value, shape.serialization.get("timestampFormat", timestamp_format))
        case "blob":
            return base64.b64encode(value).decode()
    return str(value)


def _timestamp(value: datetime | float, form: str) -> str:
    moment = datetime.fromtimestamp(_epoch(value), UTC)
    match form:
        case "rfc822":
            return format_datetime(moment.replace(microsecond=0), usegmt=True)
        case "unixTimestamp":
            return str(int(moment.timestamp()))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _epoch(value: datetime | float) -> float:
    """Return seconds since 1970, rounded to milliseconds, as AWS does."""
    seconds = value.timestamp() if isinstance(value, datetime) else value
    return round(seconds, 3)
