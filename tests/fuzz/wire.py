"""Serialization of any tree of parameters, however malformed, as a signed HTTP request of an operation."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import cbor2
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from .oddities import BODIES, HEADERS, QUERY, TEXTS

CBOR = "application/cbor"


@dataclass
class Draft:
    """An unsigned HTTP request; its text is Latin-1, as on the wire."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Signed:
    """A request in bytes, and its operation."""

    service: str
    operation: str
    method: str
    content: bytes


def draft(operation: OperationModel, params: dict[str, Any]) -> Draft:
    """Return the request for an operation in the protocol of its model; values of wrong types are sent unchanged."""
    metadata = operation.service_model.metadata
    match metadata["protocol"]:
        case "json":
            target = f"{metadata['targetPrefix']}.{operation.name}"
            kind = f"application/x-amz-json-{metadata.get('jsonVersion', '1.0')}"
            return Draft("POST", "/", [], {"x-amz-target": target, "content-type": kind}, _json(params))
        case "query":
            form = [("Action", operation.name), ("Version", metadata["apiVersion"])]
            shape = operation.input_shape
            form += _fields(params, shape, "") if shape else []
            kind = "application/x-www-form-urlencoded; charset=utf-8"
            return Draft("POST", "/", [], {"content-type": kind}, urlencode(form, errors="surrogatepass").encode())
        case "smithy-rpc-v2-cbor":
            path = f"/service/{metadata['targetPrefix']}/operation/{operation.name}"
            return Draft("POST", path, [], {"smithy-protocol": "rpc-v2-cbor", "content-type": CBOR}, _cbor(params))
    return _rest(operation, params)


def malform_request(request: Draft, rng: random.Random) -> None:
    """Make the request malformed outside the parameters: in headers, query, path or body."""
    match rng.randrange(8):
        case 0 | 1:
            name, value = rng.choice(HEADERS)
            request.headers[name] = value
        case 2 | 3:
            request.query.append(rng.choice(QUERY))
            if request.headers.get("content-type", "").startswith("application/x-www-form"):
                request.body += b"&" + urlencode([rng.choice(QUERY)]).encode()
        case 4:
            request.body = rng.choice(BODIES)
        case 5 if request.body:
            at = rng.randrange(len(request.body))
            request.body = rng.choice(
                (
                    request.body[:at],
                    request.body[:at] + rng.choice(BODIES) + request.body[at:],
                    request.body * 2,
                    request.body[:at] + b"\xff" + request.body[at + 1 :],
                    request.body.replace(b'"', b"", 1),
                )
            )
        case 6 if request.query:
            name, _ = request.query[-1]
            request.query[-1] = name, rng.choice(TEXTS)
        case _ if request.path != "/":
            request.path += rng.choice(("/", "//", "/x", "%00", "%ff", "%2f..", "%ed%a0%80", ":", "%zz"))


def sign(request: Draft, operation: OperationModel, url: str, credentials: Credentials, region: str) -> Signed:
    """Sign a request with Signature Version 4, over the bytes that will be sent."""
    service, metadata = operation.service_model.service_name, operation.service_model.metadata
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in request.query)
    target = request.path + (f"?{query}" if query else "")
    headers = {name: _header_text(value) for name, value in request.headers.items()}
    signed = AWSRequest(request.method, url + target, headers, request.body)
    signer = _S3 if service == "s3" else SigV4Auth
    signer(credentials, metadata.get("signingName", metadata["endpointPrefix"]), region).add_auth(signed)
    lines = [f"{request.method} {target} HTTP/1.1", f"host: {url.removeprefix('http://')}"]
    lines += [f"{name}: {value}" for name, value in signed.headers.items()]
    lines += [f"content-length: {len(request.body)}", "", ""]
    return Signed(service, operation.name, request.method, "\r\n".join(lines).encode("latin-1") + request.body)


class _S3(S3SigV4Auth):
    """Signs the content hash that the request declares, if it declares one."""

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["declared"] = request.headers.get("x-amz-content-sha256")
        super()._modify_request_before_signing(request)

    def payload(self, request: AWSRequest) -> str:
        return request.context.get("declared") or super().payload(request)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~", errors="surrogatepass")


def _header_text(value: str) -> str:
    """Return text that fits into a header line: UTF-8 bytes as Latin-1, without characters that would end the line."""
    text = value.encode("utf-8", "surrogatepass").decode("latin-1")
    return "".join(letter if letter >= " " and letter != "\x7f" else "_" for letter in text)[:6000].strip()


def _json(value: Any) -> bytes:
    return json.dumps(value, default=lambda content: base64.b64encode(content).decode()).encode()


def _cbor(value: Any) -> bytes:
    return cbor2.dumps(_well_formed(value))


def _well_formed(value: Any) -> Any:
    """Replace unpaired surrogates, which CBOR cannot contain."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    return [_well_formed(item) for item in value] if isinstance(value, list) else value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return _json(value).decode()
    return value if isinstance(value, str) else f"{value}"[:6000] if isinstance(value, float) else _digits(value)


def _digits(number: int) -> str:
    return f"{number:d}" if abs(number) < 10**4000 else "9" * 5000


# --- Query ----------------------------------------------------------------------------------------------------------


def _fields(value: Any, shape: Shape, name: str) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        prefix = f"{name}." if name else ""
        found: list[tuple[str, str]] = []
        for member, inner in value.items():
            known = shape.members.get(member)
            wire = known.serialization.get("name", member) if known else member
            found += _fields(inner, known or _STRING, prefix + wire)
        return found
    if isinstance(shape, ListShape) and isinstance(value, list):
        base = (
            name
            if shape.serialization.get("flattened")
            else f"{name}.{shape.member.serialization.get('name', 'member')}"
        )
        if not value:
            return [(name, "")]
        return [pair for at, item in enumerate(value, 1) for pair in _fields(item, shape.member, f"{base}.{at}")]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        base = name if shape.serialization.get("flattened") else f"{name}.entry"
        key, held = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        found = []
        for at, (each, inner) in enumerate(value.items(), 1):
            found += [(f"{base}.{at}.{key}", each), *_fields(inner, shape.value, f"{base}.{at}.{held}")]
        return found
    return [(name, _text(value))]


_STRING = Shape("String", {"type": "string"})


# --- REST -----------------------------------------------------------------------------------------------------------


def _rest(operation: OperationModel, params: dict[str, Any]) -> Draft:
    path, _, literals = operation.http["requestUri"].partition("?")
    query = [(part.partition("=")[0], part.partition("=")[2]) for part in literals.split("&") if part]
    shape = operation.input_shape
    request = Draft(operation.http["method"], path, query, {})
    body: dict[str, Any] = {}
    payload = shape.serialization.get("payload") if shape else None
    for member, value in params.items():
        known = shape.members.get(member) if shape else None
        traits = known.serialization if known else {}
        name = traits.get("name", member)
        match traits.get("location"):
            case "uri":
                for label, safe in ((f"{{{name}}}", "-_.~"), (f"{{{name}+}}", "-_.~/")):
                    request.path = request.path.replace(label, quote(_text(value), safe=safe, errors="surrogatepass"))
            case "querystring" if isinstance(value, list):
                request.query += [(name, _text(item)) for item in value]
            case "querystring" if value is not None:
                request.query.append((name, _text(value)))
            case "header" if value is not None and name.lower() != "content-length":
                items = value if isinstance(value, list) else [value]
                request.headers[name] = ",".join(_text(item) for item in items)
            case "headers" if isinstance(value, dict):
                request.headers |= {f"{name}{quote(str(key))}": _text(item) for key, item in value.items()}
            case _:
                body[member] = value
    for label in ("{Bucket}", "{Key+}", *(part for part in request.path.split("/") if part.startswith("{"))):
        request.path = request.path.replace(label, "x")  # the parameter was deleted
    xml = operation.service_model.metadata["protocol"] == "rest-xml"
    if payload and shape:
        value = body.get(payload)
        held = shape.members[payload]
        if isinstance(value, bytes | str) or value is None or held.type_name in ("blob", "string"):
            request.body = (
                value if isinstance(value, bytes) else _text(value).encode("utf-8", "surrogatepass") if value else b""
            )
        else:
            request.body = _xml(held.serialization.get("name", payload), value, held) if xml else _json(value)
    elif body:
        request.body = _xml(operation.name, body, shape) if xml and shape else _json(body)
    if request.body and "content-type" not in {name.lower() for name in request.headers}:
        request.headers["content-type"] = "application/xml" if xml else "application/json"
    return request


def _xml(name: str, value: Any, shape: Shape) -> bytes:
    return _element(name, value, shape).encode("utf-8", "surrogatepass")


def _element(name: str, value: Any, shape: Shape) -> str:
    name = "".join(letter for letter in name if letter.isalnum()) or "x"
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        inner = ""
        for member, item in value.items():
            known = shape.members.get(member) or _STRING
            wire = known.serialization.get("name", member)
            if isinstance(known, ListShape) and known.serialization.get("flattened") and isinstance(item, list):
                inner += "".join(
                    _element(known.member.serialization.get("name", wire), each, known.member) for each in item
                )
            else:
                inner += _element(wire, item, known)
        return f"<{name}>{inner}</{name}>"
    if isinstance(shape, ListShape) and isinstance(value, list):
        inner = "".join(
            _element(shape.member.serialization.get("name", "member"), item, shape.member) for item in value
        )
        return f"<{name}>{inner}</{name}>"
    return f"<{name}>{'' if value is None else escape(_text(value))}</{name}>"


def malform_signature(signed: Signed, rng: random.Random) -> Signed:
    """Change a field of a finished signature, to test the code that runs before the signature is verified."""
    head, separator, body = signed.content.partition(b"\r\n\r\n")
    field = rng.choice((b"Credential=", b"SignedHeaders=", b"Signature=", b"AWS4-HMAC-SHA256", b"X-Amz-Date: "))
    begin = head.find(field)
    if begin < 0:
        return signed
    end = min((at for at in (head.find(b",", begin), head.find(b"\r\n", begin)) if at > 0), default=len(head))
    odd = _header_text(rng.choice(TEXTS)).encode("latin-1")
    return replace(signed, content=head[: begin + len(field)] + odd + head[end:] + separator + body)


def malformed_chunks(rng: random.Random) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a chunked upload (`aws-chunked`) with a malformed frame."""
    body = rng.choice(
        (
            b"-1\r\nab",
            b"+3\r\nabc\r\n0\r\n\r\n",
            b"0_3\r\nabc\r\n0\r\n\r\n",
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"\r\n",
            b"3\r\nab",
            b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:x\r\n\r\n",
            b"f" * 40 + b"\r\nabc",
            b"3;chunk-signature=x\r\nabc\r\n",
            b"0\r\n\r\n",
            b"3\r\nabcX\r\n0\r\n\r\n",
            b"3" * 100_000,
            b"0\r\n" + b"a:b\r\n" * 1000,
            "²\r\nabc".encode(),
        )
    )
    kinds = (
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-X",
        "UNSIGNED-PAYLOAD",
    )
    headers = {"x-amz-content-sha256": rng.choice(kinds), "content-encoding": "aws-chunked"}
    headers["x-amz-decoded-content-length"] = rng.choice(("3", "0", "²", "-1", "9" * 30, "x", ""))
    return headers, body
