"""Rules for responses that are failures of the cloud, whatever the request was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import cbor2
from botocore.model import ServiceModel

ALLOWED = {
    501: re.compile(r"NotImplemented"),  # operations that the cloud does not support, by name
    503: re.compile(r"SlowDown|ServiceUnavailable\w*"),  # a full disk, and a service that has not started yet
}
"""Error codes that AWS returns with a status of 500 or more, by status."""

UNREADABLE = (400, 413, 414, 431)
"""Statuses for bytes that are not HTTP, or whose head is too large: the service and its format are not yet known."""

_SERVICE_UNKNOWN = re.compile(b"<Code>(AuthorizationHeaderMalformed|InvalidURI)</Code>")
"""Errors of S3 that also answer requests whose signature names no service."""


@dataclass(frozen=True)
class Answered:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        return self.headers.get("x-amzn-requestid") or self.headers.get("x-amz-request-id") or ""


def fault(model: ServiceModel, method: str, answered: Answered) -> str | None:
    """Return the fault in a response, or None."""
    if answered.status < 400:
        return _unreadable(model.metadata["protocol"], answered)
    if answered.status in UNREADABLE and not answered.request_id:
        return None
    bodiless = method == "HEAD"
    code = None if bodiless else _code(model.metadata["protocol"], answered)
    unnamed = answered.status in (403, 501) or _SERVICE_UNKNOWN.search(answered.body)
    if unnamed and not bodiless:  # the signature may not name a service: accept any format
        code = code or _code("rest-xml", answered) or _code("rest-json", answered) or _code("query", answered)
    if answered.status >= 500:
        allowed = ALLOWED.get(answered.status)
        if allowed is None or not allowed.search(code or ("NotImplemented" if bodiless else "")):
            return f"status {answered.status} {code}"
    if not bodiless and not code:
        protocol = model.metadata["protocol"]
        return f"status {answered.status} is not in the format of {protocol} errors: {answered.body[:200]!r}"
    return None


def _unreadable(protocol: str, answered: Answered) -> str | None:
    """Return a reason if the service's clients cannot parse the body of a successful response."""
    kind = answered.headers.get("content-type", "")
    try:
        if "json" in kind and protocol in ("json", "rest-json") and answered.body:
            json.loads(answered.body)
        elif protocol == "query":
            ET.fromstring(answered.body)
        elif protocol == "smithy-rpc-v2-cbor":
            cbor2.loads(answered.body)
    except (ValueError, ET.ParseError, cbor2.CBORDecodeError) as error:
        return f"the body of the answer cannot be read: {error}"
    return None


def _code(protocol: str, answered: Answered) -> str | None:
    """Return an error's code by the service's protocol, or None if the response does not have that format."""
    if protocol in ("json", "rest-json"):
        try:
            document = json.loads(answered.body)
        except ValueError:
            return None
        if not isinstance(document, dict):
            return None
        return answered.headers.get("x-amzn-errortype") or document.get("__type")
    if protocol == "smithy-rpc-v2-cbor":
        try:
            return str(cbor2.loads(answered.body)["__type"])
        except (cbor2.CBORDecodeError, TypeError, KeyError):
            return None
    try:
        root = ET.fromstring(answered.body)
    except ET.ParseError:
        return None
    if protocol == "query" and root.tag == "UnknownOperationException":
        return root.tag
    found = root.find("Code") if protocol == "rest-xml" else root.find("{*}Error/{*}Code")
    return None if found is None else found.text
