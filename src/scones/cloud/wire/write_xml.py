"""Writing of output members as XML: S3's documents, and the Query protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from scones.cloud.core.time_slices import sliced_if_on_thread
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model import wire_name
from scones.cloud.wire.scalar_text import scalar_text

XML_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
"""S3's root elements, which its model does not define."""
XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain, not even escaped; U+FFFD replaces them."""
_NOT_PLAIN = re.compile("[^\t\n\x20-\x25\x27-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that cannot be written unchanged: those of `_NOT_IN_XML`, and those that must be escaped."""
_S3_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SQS_DECLARATION = '<?xml version="1.0"?>'
_TAG = re.compile(r"<(/?)[^>]*>[^<]*")


def s3_document(operation: OperationModel, value: Members, shape: StructureShape) -> bytes:
    """Return the body of a response of S3."""
    if operation.name == "GetBucketLocation":  # the only response whose root is not a structure
        text = escape(value.get("LocationConstraint", ""))
        end = f">{text}</LocationConstraint>" if text else "/>"
        return f'{_S3_DECLARATION}<LocationConstraint xmlns="{S3_NAMESPACE}"{end}'.encode()
    root = XML_ROOTS.get(operation.name) or shape.serialization.get("name") or shape.name
    inner = xml_members(value, shape)
    return f'{_S3_DECLARATION}<{root} xmlns="{S3_NAMESPACE}">{inner}</{root}>'.encode()


def query_body(operation: OperationModel, members: Members, request_id: str) -> bytes:
    """Return the body of a response in the Query protocol."""
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    sqs = operation.service_model.service_name == "sqs"
    result = ""
    if shape := operation.output_shape:
        wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
        inner = xml_members(members, shape)
        result = f"<{wrapper}>{inner}</{wrapper}>" if inner or not sqs else f"<{wrapper}/>"
    metadata = f"<ResponseMetadata>{element('RequestId', request_id)}</ResponseMetadata>"
    root = f"{operation.name}Response"
    whole = f'<{root} xmlns="{namespace}">{result}{metadata}</{root}>'
    return (_SQS_DECLARATION + whole if sqs else _indented(whole)).encode()


def query_error_body(service: ServiceModel, code: str, message: str, status: int, request_id: str) -> bytes:
    """Return the body of an error in the Query protocol."""
    if code == "UnknownOperationException":  # AWS's answer to a request without an action
        return b"<UnknownOperationException/>\n"
    sqs = service.service_name == "sqs"
    kind = element("Type", "Sender" if status < 500 else "Receiver")
    reason = element("Message", message) if message else ""
    inner = f"{kind}{element('Code', code)}{reason}{'<Detail/>' if sqs else ''}"
    namespace = service.metadata.get("xmlNamespace", "")
    whole = (
        f'<ErrorResponse xmlns="{namespace}"><Error>{inner}</Error>{element("RequestId", request_id)}</ErrorResponse>'
    )
    return (_SQS_DECLARATION + whole if sqs else _indented(whole)).encode()


def _indented(xml: str) -> str:
    """Write each element on its own line, as AWS does: the output of a Step Functions task contains the length."""
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


def xml_members(members: Members, shape: StructureShape) -> str:
    """Return the elements of a structure's members."""
    return _xml_structure(shape)(members)


@cache
def _xml_structure(shape: StructureShape) -> Callable[[Members], str]:
    """Return the writer of a structure's members, except for XML attributes."""
    # Filled on first use, because a shape may contain itself.
    known: dict[str, tuple[str, Callable[[str, MemberValue], str]]] = {}

    def write(members: Members) -> str:
        pieces = []
        for name, value in members.items():
            if value is None:
                continue
            if name not in known:
                if name not in shape.members or shape.members[name].serialization.get("xmlAttribute"):
                    continue
                known[name] = wire_name(shape, name), _xml_of(shape.members[name])
            element_name, writer = known[name]
            pieces.append(writer(element_name, value))
        return "".join(pieces)

    return write


@cache
def _xml_of(shape: Shape) -> Callable[[str, MemberValue], str]:
    """Return the writer of a shape's values; it takes an element's name and its value."""
    if isinstance(shape, StructureShape):
        return _xml_element_of(shape)
    if isinstance(shape, ListShape):
        return _xml_list(shape)
    if isinstance(shape, MapShape):
        return _xml_map(shape)
    if shape.type_name == "string":
        return element
    return lambda name, value: element(name, scalar_text(value, shape, "iso8601"))


def _xml_element_of(shape: StructureShape) -> Callable[[str, MemberValue], str]:
    attributes = [
        (member, wire_name(shape, member))
        for member, kind in shape.members.items()
        if kind.serialization.get("xmlAttribute")
    ]
    write_members = _xml_structure(shape)

    def write(name: str, value: Members) -> str:
        attribute_text = "".join(
            f' xmlns:xsi="{XSI_NAMESPACE}" {attribute}="{escape(value[member])}"'
            for member, attribute in attributes
            if member in value
        )
        return f"<{name}{attribute_text}>{write_members(value)}</{name}>"

    return write


def _xml_list(shape: ListShape) -> Callable[[str, MemberValue], str]:
    flattened = shape.serialization.get("flattened")
    given = shape.member.serialization.get("name")

    def write(name: str, value: MemberValue) -> str:
        writer, item_name = _xml_of(shape.member), given or (name if flattened else "member")
        items = "".join([writer(item_name, item) for item in sliced_if_on_thread(value)])
        return items if flattened else f"<{name}>{items}</{name}>"

    return write


def _xml_map(shape: MapShape) -> Callable[[str, MemberValue], str]:
    flattened = shape.serialization.get("flattened")
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")

    def write(name: str, value: MemberValue) -> str:
        writer = _xml_of(shape.value)
        tag = name if flattened else "entry"
        entries = "".join(
            f"<{tag}>{element(key_name, key)}{writer(value_name, item)}</{tag}>" for key, item in value.items()
        )
        return entries if flattened else f"<{name}>{entries}</{name}>"

    return write


def element(name: str, text: str) -> str:
    """Return an element that contains text."""
    text = str(text)
    if _NOT_PLAIN.search(text):
        text = escape(_NOT_IN_XML.sub(chr(0xFFFD), text), {chr(13): "&#13;"})
    return f"<{name}>{text}</{name}>"
