"""The website endpoint of buckets: BUCKET.s3-website.localhost (User Guide, "Website endpoints").

It serves the objects that an unsigned request may read, and answers errors as HTML.
"""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import quote, unquote

from scones.cloud.core.credentials import ANONYMOUS
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.anonymous_access import AnonymousAccess
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.objects import ObjectOperations
from scones.cloud.services.s3.websites import Website
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import operation_model, service_model
from scones.cloud.wire.parse import parse
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response
from scones.cloud.wire.serialize import request_id_headers, serialize

_HOST = ".s3-website"
_HEADERS = ("if-match", "if-modified-since", "if-none-match", "if-unmodified-since", "range")
"""Headers of a request that GetObject uses."""
_CUSTOM = "CustomError"
"""Member of an error that contains the error which occurred when the error document was read."""


class WebsiteRoute(HttpRoute):
    """Answers requests to the host names of websites."""

    allows_foreign_origin: ClassVar[bool] = True

    def __init__(
        self, buckets: BucketRecords, settings: BucketSettings, objects: ObjectOperations, anonymous: AnonymousAccess
    ) -> None:
        self._buckets = buckets
        self._settings = settings
        self._objects = objects
        self._anonymous = anonymous

    def matches(self, request: Request) -> bool:
        """Return True for the host name of a website."""
        return _HOST in request.headers.get("host", "")

    async def respond(self, request: Request, body: RequestBody) -> Response:  # noqa: ARG002
        """Return a page, a redirect, or the error document."""
        if request.method not in ("GET", "HEAD"):
            message = "The specified method is not allowed against this resource."
            raise ServiceError("MethodNotAllowed", message, 405, Method=request.method, ResourceType="OBJECT")
        bucket = request.headers["host"].partition(_HOST)[0]
        website, key = self._website(bucket), unquote(request.raw_path).removeprefix("/")
        location = website.redirect(key, request.headers["host"])
        if location is not None:
            return _redirect(*location)
        page = website.page(key)
        try:
            return await self._page(request, bucket, page)
        except ServiceError as error:
            if error.status not in (403, 404):
                raise
            return await self._missing(request, bucket, key, error)

    def error_response(self, error: ServiceError, request_id: str) -> Response:
        """Return an error as an HTML page."""
        headers = request_id_headers(service_model("s3"), request_id) | error.members.get("Headers", {})
        if error.status == HTTPStatus.NOT_MODIFIED:
            return Response(error.status, headers)
        ids = {"RequestId": headers["x-amz-request-id"], "HostId": headers["x-amz-id-2"]}
        custom: ServiceError | None = error.members.get(_CUSTOM)
        title = f"{error.status} {HTTPStatus(error.status).phrase}"
        lines = [
            "<html>",
            f"<head><title>{title}</title></head>",
            "<body>",
            f"<h1>{title}</h1>",
            *_list(_members(error) | ids),
        ]
        if custom is not None:
            lines.append("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>")
            lines += _list(_members(custom))
        lines += ["<hr/>", "</body>", "</html>", ""]
        return Response(
            error.status, {**headers, "content-type": "text/html; charset=utf-8"}, "\n".join(lines).encode()
        )

    def _website(self, bucket: str) -> Website:
        if not self._buckets.exists(bucket):
            raise errors.no_such_bucket(bucket)
        configuration: Members | None = self._settings.get(bucket, "website")
        if configuration is None:
            raise errors.no_such_website(bucket)
        return Website(configuration)

    async def _missing(self, request: Request, bucket: str, key: str, error: ServiceError) -> Response:
        """Return the response for a key without a page: a folder's page, a rule's redirect, or the error document."""
        website = self._website(bucket)
        if key and not key.endswith("/") and self._may_read(bucket, website.page(f"{key}/")):
            return _redirect(f"/{quote(key)}/", HTTPStatus.FOUND)
        location = website.redirect(key, request.headers["host"], error.status)
        if location is not None:
            return _redirect(*location)
        document = website.error_document
        if document is None:
            raise error
        try:
            response = await self._page(request, bucket, document)
        except ServiceError as second:
            error.members[_CUSTOM] = second
            raise error from second
        if response.status == HTTPStatus.OK:
            response.status = error.status
        return response

    def _may_read(self, bucket: str, key: str) -> bool:
        call = _call("HeadObject", {"Bucket": bucket, "Key": key})
        try:
            self._anonymous.check(call)
            return self._objects.exists(bucket, key)
        except ServiceError:
            return False

    async def _page(self, request: Request, bucket: str, key: str) -> Response:
        """Return an object, or the redirect that the object states."""
        operation = operation_model("s3", "GetObject" if request.method == "GET" else "HeadObject")
        headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
        call = _call(operation.name, parse(operation, {"Bucket": bucket, "Key": key}, {}, headers, b""))
        self._anonymous.check(call)
        read = self._objects.get_object if request.method == "GET" else self._objects.head_object
        output = await read(call)
        members, status = (output.members, output.status) if isinstance(output, OperationOutput) else (output, None)
        if location := members.get("WebsiteRedirectLocation"):
            return _redirect(location)
        return serialize(operation, members, call.request_id, status)


def _call(operation: str, params: Members) -> OperationCall:
    return OperationCall(operation=operation, params=params, caller=ANONYMOUS, request_id=uuid4())


def _redirect(location: str, status: int = HTTPStatus.MOVED_PERMANENTLY) -> Response:
    return Response(status, request_id_headers(service_model("s3"), uuid4()) | {"location": location})


def _members(error: ServiceError) -> dict[str, str]:
    members = {name: str(value) for name, value in error.members.items() if name not in ("Headers", _CUSTOM)}
    return {"Code": error.code, "Message": error.message, **members}


def _list(members: dict[str, str]) -> list[str]:
    return ["<ul>", *(f"<li>{name}: {escape(value)}</li>" for name, value in members.items()), "</ul>"]
