"""Parsing of an operation's parameters from a request, by the service's protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple
from xml.etree import ElementTree as ET

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from scones.cloud.core.time_slices import sliced_if_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.wire import cbor_document, form, json_document, numbers, xml_document
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model import streamed_input, wire_name
from scones.cloud.wire.scalars import scalar


def parse(
    operation: OperationModel,
    uri: Mapping[str, str],
    query: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    body: bytes,
) -> Members:
    """Return the parameters by member name; a streaming body is left to the caller.

    Raises `ServiceError` if the bytes do not fit the model's types: `SerializationException`; in the Query protocol
    `MalformedInput`; in S3 `MalformedXML` for a body and `InvalidArgument` for other parameters.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    protocol = operation.service_model.metadata["protocol"]
    try:
        if protocol == "json":
            return _document_structure(_load_json(body), shape)
        if protocol == "query":
            return {**uri, **form.structure(query, shape)}
        if protocol == "smithy-rpc-v2-cbor":
            return _document_structure(cbor_document.load(body) if body else {}, shape)
        return _rest(operation, shape, uri, query, headers, body)
    except ET.ParseError as error:
        raise _malformed_xml() from error
    except _ArgumentError as error:
        raise error.service_error(protocol) from error
    except (ValueError, TypeError, RecursionError) as error:
        code = {"query": "MalformedInput", "rest-xml": "InvalidArgument"}.get(protocol, "SerializationException")
        raise ServiceError(code, f"The request does not fit the model: {error}") from error


class _ArgumentError(ValueError):
    """A header or a query parameter whose text does not fit the type in the model."""

    def __init__(self, name: str, text: str, shape: Shape, reason: ValueError) -> None:
        super().__init__(str(reason))
        self._name = name
        self._text = text
        self._number = shape.type_name in ("integer", "long")

    def service_error(self, protocol: str) -> ServiceError:
        """Return the error for the client; S3 names the argument and its value."""
        message = f"The request does not fit the model: {self}"
        if protocol != "rest-xml":
            return ServiceError("SerializationException", message)
        if self._name == "partNumber":
            message = "Part number must be an integer between 1 and 10000, inclusive"
        elif self._number:
            message = f"Provided {self._name} not an integer or within integer range"
        return ServiceError("InvalidArgument", message, ArgumentName=self._name, ArgumentValue=self._text)


def _malformed_xml() -> ServiceError:
    return ServiceError(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )


# --- REST: parameters in path, query and headers, the rest in the body ----------------------------------------------


def _rest(
    operation: OperationModel,
    shape: StructureShape,
    uri: Mapping[str, str],
    query: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    body: bytes,
) -> Members:
    params: Members = {}
    in_headers, elsewhere = _member_locations(operation)
    for name, member, member_shape in in_headers:
        if name in headers:
            params[member] = _argument(name, headers[name], member_shape, _header)
    for location, name, member, member_shape in elsewhere:
        value = _read_member(location, name, member_shape, uri, query, headers)
        if value is not None:
            params[member] = value
    payload = shape.serialization.get("payload")
    xml = operation.service_model.metadata["protocol"] == "rest-xml"
    if payload:
        if streamed_input(operation) is None and (value := _payload(shape.members[payload], body, xml)) is not None:
            params[payload] = value
    elif body and any("location" not in member.serialization for member in shape.members.values()):
        read: Callable[[], Members] = (
            (lambda: _from_xml(body, shape)) if xml else (lambda: _document_structure(_load_json(body), shape))
        )
        params |= {name: value for name, value in read().items() if "location" not in shape.members[name].serialization}
    return params


class _MemberLocations(NamedTuple):
    """The members outside the body with their wire names (lower case for headers) and shapes, by location."""

    in_headers: list[tuple[str, str, Shape]]
    in_uri_or_query: list[tuple[str, str, str, Shape]]


@cache
def _member_locations(operation: OperationModel) -> _MemberLocations:
    found = _MemberLocations([], [])
    for member, shape in operation.input_shape.members.items() if operation.input_shape else ():
        name = shape.serialization.get("name", member)
        match shape.serialization.get("location"):
            case "header":
                found.in_headers.append((name.lower(), member, shape))
            case "headers":
                found.in_uri_or_query.append(("headers", name.lower(), member, shape))
            case str(location):
                found.in_uri_or_query.append((location, name, member, shape))
    return found


def _argument(name: str, text: str, shape: Shape, read: Callable[[str, Shape], MemberValue]) -> MemberValue:
    try:
        return read(text, shape)
    except ValueError as error:
        raise _ArgumentError(name, text, shape, error) from error


def _header(text: str, shape: Shape) -> MemberValue:
    if isinstance(shape, ListShape):
        return [scalar(item.strip(), shape.member) for item in text.split(",")]
    return json_document.decoded(text).decode() if shape.serialization.get("jsonvalue") else scalar(text, shape)


def _read_member(
    location: str,
    name: str,
    shape: Shape,
    uri: Mapping[str, str],
    query: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
) -> MemberValue:
    match location:
        case "uri":
            return scalar(uri[name], shape) if name in uri else None
        case "querystring" if isinstance(shape, MapShape):
            return {key: values[0] for key, values in query.items()}
        case "querystring" if name in query:
            if isinstance(shape, ListShape):
                return [scalar(value, shape.member) for value in query[name]]
            text = query[name][0]
            empty_number = not text and shape.type_name in ("integer", "long")
            return None if empty_number else _argument(name, text, shape, scalar)
        case "headers":
            found = {key[len(name) :]: value for key, value in headers.items() if key.startswith(name)}
            return found or None
    return None


def _payload(shape: Shape, body: bytes, xml: bool) -> MemberValue:
    if shape.type_name == "blob":
        return body
    if shape.type_name == "string":
        return body.decode()
    if not body:
        return None
    if xml and isinstance(shape, StructureShape):
        return _from_xml(body, shape)
    return _document_value(_load_json(body), shape)


# --- JSON and CBOR --------------------------------------------------------------------------------------------------


def _load_json(body: bytes) -> MemberValue:
    document = json_document.load(body) if body and not body.isspace() else {}
    if not isinstance(document, dict | list):
        raise TypeError("the body is not a JSON object")
    return document


def _document_structure(document: MemberValue, shape: StructureShape) -> Members:
    if not isinstance(document, dict):
        raise TypeError(f"{shape.name} is not an object")
    found: Members = {}
    for member, member_shape in shape.members.items():
        value = document.get(member_shape.serialization.get("name", member))
        if value is not None:
            found[member] = _document_value(value, member_shape)
    return found


def _document_value(value: MemberValue, shape: Shape) -> MemberValue:
    if isinstance(shape, StructureShape):
        return value if shape.is_document_type else _document_structure(value, shape)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise TypeError(f"{shape.name} is not a list")
        return [_document_value(item, shape.member) for item in sliced_if_on_thread(value)]
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            raise TypeError(f"{shape.name} is not a map")
        return {key: _document_value(item, shape.value) for key, item in value.items()}
    match shape.type_name:
        case "timestamp":
            return numbers.timestamp(value)
        case "blob":
            return _blob(value)
        case "string" if isinstance(value, dict | list | memoryview):
            raise TypeError("a string was expected, not an object, a list or a blob")
        case "string" if not isinstance(value, str):
            return json.dumps(value)
        case "integer" | "long" if isinstance(value, float) and value.is_integer():
            return numbers.in_range(int(value), shape.type_name)
        case "integer" | "long" | "boolean" if isinstance(value, str):
            return scalar(value, shape)
        case "integer" | "long" if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError("an integer was expected")
        case "integer" | "long":
            return numbers.in_range(value, shape.type_name)
        case "boolean" if not isinstance(value, bool):
            raise TypeError("a boolean was expected")
        case "float" | "double":
            return numbers.decimal(value) if isinstance(value, str) else numbers.finite(value)
    return value


def _blob(value: MemberValue) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str | memoryview):
        raise TypeError("base64 text was expected")
    return json_document.decoded(value)


# --- XML ------------------------------------------------------------------------------------------------------------


def _from_xml(body: bytes, shape: StructureShape) -> Members:
    try:
        return _xml_structure(xml_document.root(body), shape)
    except ValueError as error:
        raise _malformed_xml() from error


def _xml_structure(element: ET.Element, shape: StructureShape) -> Members:
    found: Members = {}
    for member, member_shape in shape.members.items():
        name = wire_name(shape, member)
        if member_shape.serialization.get("xmlAttribute"):
            local = name.rpartition(":")[2]
            value = next((text for key, text in element.attrib.items() if key.rpartition("}")[2] == local), None)
            if value is not None:
                found[member] = value
        elif isinstance(member_shape, ListShape) and member_shape.serialization.get("flattened"):
            items = element.findall(member_shape.member.serialization.get("name", name))
            if items:
                found[member] = [_xml_value(item, member_shape.member) for item in items]
        elif (child := element.find(name)) is not None:
            found[member] = _xml_value(child, member_shape)
    return found


def _xml_value(element: ET.Element, shape: Shape) -> MemberValue:
    if isinstance(shape, StructureShape):
        return _xml_structure(element, shape)
    if isinstance(shape, ListShape):
        return [_xml_value(item, shape.member) for item in element]
    return scalar(element.text or "", shape)
