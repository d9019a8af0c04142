"""Addresses from which any HTTP client can download a function's archive for a time, like AWS's presigned URLs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute, ReadBody
from scones.cloud.services.lambda_.functions.code import CodeStore
from scones.cloud.wire.model import service_model
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response
from scones.cloud.wire.serialize import serialize_error

PREFIX = "/_lambda-code/"
"""Prefix of the path of such an address; the archive's digest follows."""
SECONDS = 600
"""Seconds for which an address is valid (GetFunction: "a presigned URL that's valid for 10 minutes")."""


class CodeLinks(HttpRoute):
    """Creates addresses of archives, and reads the archives at these addresses."""

    def __init__(self, cloud: CloudContext, code: CodeStore) -> None:
        self._cloud = cloud
        self._code = code

    def location(self, digest: str) -> str:
        """Return a new address of the archive with a digest."""
        expires = str(int(time.time()) + SECONDS)
        return f"{self._cloud.url}{PREFIX}{digest}?Expires={expires}&Signature={self._signature(digest, expires)}"

    def matches(self, request: Request) -> bool:
        """Return True for the address of an archive."""
        return request.raw_path.startswith(PREFIX)

    async def respond(self, request: Request, read_body: ReadBody) -> Response:  # noqa: ARG002 - a GET has no body
        """Return the archive at an address.

        Raises S3's errors: `AccessDenied` for a wrong signature or an expired address, and `NoSuchKey` for an archive
        that has been removed.
        """
        digest = request.raw_path.removeprefix(PREFIX)
        query = request.query
        expires, signature = query.get("Expires", [""])[0], query.get("Signature", [""])[0]
        if not hmac.compare_digest(signature.encode(), self._signature(digest, expires).encode()):
            raise ServiceError("AccessDenied", "Access Denied", 403)
        if int(expires) < time.time():
            raise ServiceError("AccessDenied", "Request has expired", 403)
        archive = self._code.archive(digest)
        if not archive.exists():  # its function was deleted, and the cloud has been restarted since
            raise ServiceError("NoSuchKey", "The specified key does not exist.", 404)
        return Response(200, {"content-type": "application/zip"}, await asyncio.to_thread(archive.read_bytes))

    def error_response(self, error: ServiceError, request: Request, request_id: str) -> Response:
        """Return an error in S3's format: on AWS, these addresses belong to S3."""
        return serialize_error(service_model("s3"), error, request_id, request.resource)

    def _signature(self, digest: str, expires: str) -> str:
        text = f"GET\n{PREFIX}{digest}\n{expires}"
        return hmac.new(self._cloud.credentials.secret_access_key.encode(), text.encode(), hashlib.sha256).hexdigest()
