"""Preflight requests: a browser's OPTIONS request before a cross-origin request to a bucket."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import unquote

from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.cors_configurations import matching_rule, response_headers
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import service_model
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response
from scones.cloud.wire.serialize import request_id_headers, serialize_error

_OTHER_ROUTES = "/_"
"""Beginning of the paths of other routes; no bucket's name begins with an underscore."""


class PreflightRoute(HttpRoute):
    """Answers OPTIONS requests for buckets and objects. They are not signed."""

    allows_foreign_origin: ClassVar[bool] = True

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._buckets = buckets
        self._settings = settings

    def matches(self, request: Request) -> bool:
        """Return True for an OPTIONS request, except for a function URL."""
        if request.method != "OPTIONS" or request.resource.startswith(_OTHER_ROUTES):
            return False
        return ".lambda-url." not in request.headers.get("host", "")

    async def respond(self, request: Request, body: RequestBody) -> Response:  # noqa: ARG002
        """Return the CORS headers of the bucket's rule that allows the announced request."""
        if "origin" not in request.headers:
            raise ServiceError("BadRequest", "Insufficient information. Origin request header needed.")
        bucket, _, key = unquote(request.resource).removeprefix("/").partition("/")
        if not self._buckets.exists(bucket):
            raise _forbidden(request, "Bucket not found", "BUCKET")
        rules: list[Members] | None = self._settings.get(bucket, "CORS")
        if rules is None:
            raise _forbidden(request, "CORS is not enabled for this bucket.", "BUCKET")
        rule = matching_rule(rules, request)
        if rule is None:
            message = (
                "This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
                "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's "
                "CORS spec."
            )
            raise _forbidden(request, message, "OBJECT" if key else "BUCKET")
        return Response(200, request_id_headers(service_model("s3"), uuid4()) | response_headers(rule, request))

    def error_response(self, error: ServiceError, request_id: str) -> Response:
        """Return an error in S3's format."""
        return serialize_error(service_model("s3"), error, request_id)


def _forbidden(request: Request, message: str, kind: str) -> ServiceError:
    method = request.headers.get("access-control-request-method", "OPTIONS")
    return ServiceError("AccessForbidden", f"CORSResponse: {message}", 403, Method=method, ResourceType=kind)
