"""The HTTP route of uploads by forms: a POST to a bucket that is signed in the form and not in its headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import ClassVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from scones.cloud.context import CloudContext
from scones.cloud.core.credentials import ANONYMOUS, Caller
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors, metadata
from scones.cloud.services.s3.anonymous_access import AnonymousAccess
from scones.cloud.services.s3.arguments import check_arguments
from scones.cloud.services.s3.browser_uploads.form import UploadForm
from scones.cloud.services.s3.browser_uploads.policy import WITHOUT_POLICY, UploadPolicy, checked_policy
from scones.cloud.services.s3.objects import ObjectOperations
from scones.cloud.wire import xml_document
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import operation_model, service_model
from scones.cloud.wire.parse import parse
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response
from scones.cloud.wire.serialize import serialize, serialize_error
from scones.cloud.wire.signatures.errors import protocol_error
from scones.cloud.wire.signatures.post_policy import PolicyVerifier, missing_field
from scones.cloud.wire.write_xml import S3_NAMESPACE, element

_FILENAME = "${filename}"
_METADATA = "x-amz-meta-"
_SIGNED_FIELDS = ("policy", "awsaccesskeyid", "signature", "x-amz-credential", "x-amz-signature")
"""Fields of signed forms, in lower case."""
_FORM_HEADERS = {"acl": "x-amz-acl"}
"""Form fields whose names differ from PutObject's headers."""


class BrowserUploadRoute(HttpRoute):
    """Stores the file of a form that a web page of any site may send; its policy says what is allowed."""

    allows_foreign_origin: ClassVar[bool] = True

    def __init__(
        self,
        cloud: CloudContext,
        objects: ObjectOperations,
        anonymous: AnonymousAccess,
        cross_origin_headers: Callable[[Request], Mapping[str, str]],
    ) -> None:
        self._cloud = cloud
        self._anonymous = anonymous
        self._cross_origin_headers = cross_origin_headers
        self._objects = objects
        settings = cloud.settings
        self._policies = PolicyVerifier(cloud.credentials, account=settings.account, region=settings.region)

    def matches(self, request: Request) -> bool:
        """Return True for an unsigned POST to a bucket."""
        return (
            request.method == "POST"
            and not request.query_string
            and "authorization" not in request.headers
            and request.resource.strip("/") != ""
            and "/" not in request.resource.strip("/")
            and ".lambda-url." not in request.headers.get("host", "")
        )

    async def respond(self, request: Request, body: RequestBody) -> Response:
        """Store the file of a form."""
        bucket = unquote(request.resource.strip("/"))
        form = UploadForm(request.headers.get("content-type", ""), body.stream())
        await form.read_fields()
        fields = {name.lower(): value for name, value in form.fields.items()}
        if not fields.get("key"):
            raise missing_field("key")
        if form.filename is not None:
            name = form.filename.replace("\\", "/").rpartition("/")[2]
            fields["key"] = fields["key"].replace(_FILENAME, name)
        caller, policy = self._authenticate(fields, bucket)
        response = await self._store(bucket, fields, _checked_size(form.file(), policy), caller)
        if "origin" in request.headers:
            response.headers |= self._cross_origin_headers(request)
        return response

    def error_response(self, error: ServiceError, request_id: str) -> Response:
        """Return an error in S3's format."""
        return serialize_error(service_model("s3"), protocol_error(error, "rest-xml"), request_id)

    def _authenticate(self, fields: Mapping[str, str], bucket: str) -> tuple[Caller, UploadPolicy]:
        """Return the caller and the policy of a form; an unsigned form is allowed if anyone may write the bucket."""
        if not any(name in fields for name in _SIGNED_FIELDS):
            params = {"Bucket": bucket, "Key": fields["key"]}
            self._anonymous.check(
                OperationCall(operation="PutObject", params=params, caller=ANONYMOUS, request_id=uuid4())
            )
            return ANONYMOUS, WITHOUT_POLICY
        caller = self._policies.verify(fields)
        return caller, checked_policy(fields["policy"], fields, bucket)

    async def _store(
        self, bucket: str, fields: Mapping[str, str], file: AsyncIterator[bytes], caller: Caller
    ) -> Response:
        put = operation_model("s3", "PutObject")
        headers = {_FORM_HEADERS.get(name, name): _header(name, value) for name, value in fields.items()}
        uri = {"Bucket": quote(bucket), "Key": fields["key"]}
        params: Members = {**parse(put, uri, {}, headers, b""), "Bucket": bucket, "Key": fields["key"], "Body": file}
        if "tagging" in fields:
            params["Tagging"] = _tagging(fields["tagging"])
        if put.input_shape is not None:
            check_arguments(params, put.input_shape)
        call = OperationCall(operation="PostObject", params=params, caller=caller, request_id=uuid4())
        members = await self._objects.post_object(call)
        response = serialize(put, members, call.request_id)
        return self._answered(response, bucket, fields, members["ETag"])

    def _answered(self, response: Response, bucket: str, fields: Mapping[str, str], etag: str) -> Response:
        """Return the response that a form asks for: a redirect, a document (201), or none (200 and 204)."""
        key = fields["key"]
        redirect = fields.get("success_action_redirect") or fields.get("redirect", "")
        if urlsplit(redirect).scheme in ("http", "https"):
            result = urlencode({"bucket": bucket, "key": key, "etag": etag})
            separator = "&" if urlsplit(redirect).query else "?"
            response.status = 303
            response.headers["location"] = f"{redirect}{separator}{result}"
            return response
        location = f"{self._cloud.url}/{bucket}/{quote(key)}"
        status = fields.get("success_action_status")
        response.status = int(status) if status in ("200", "201") else 204
        response.headers["location"] = location
        if response.status == 201:
            named = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
            inner = "".join(element(name, text) for name, text in named.items())
            document = (
                f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse xmlns="{S3_NAMESPACE}">{inner}</PostResponse>'
            )
            response.headers["content-type"] = "application/xml"
            response.body = document.encode()
        return response


async def _checked_size(file: AsyncIterator[bytes], policy: UploadPolicy) -> AsyncIterator[bytes]:
    """Yield a file; raise at its end if its size violates the policy. What is beyond the limit is only counted."""
    size = 0
    async for chunk in file:
        size += len(chunk)
        if size <= policy.most:
            yield chunk
    policy.check_size(size)


def _header(name: str, value: str) -> str:
    """Return a form field as PutObject's header; metadata in a form is not decoded."""
    return metadata.protected(value) if name.startswith(_METADATA) else value


def _tagging(document: str) -> str:
    """Return a tag set in XML as the header x-amz-tagging; raises `MalformedXML`."""
    try:
        root = xml_document.root(document.encode())
    except (ValueError, SyntaxError) as error:  # ElementTree's ParseError is a SyntaxError
        raise errors.malformed_xml() from error
    return urlencode([(tag.findtext("Key", ""), tag.findtext("Value", "")) for tag in root.iterfind("TagSet/Tag")])
