"""The address of the certificate with which subscribers verify notifications."""

from __future__ import annotations

import re

from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.services.sns.signing import Signer
from scones.cloud.wire.model import service_model
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response
from scones.cloud.wire.serialize import serialize_error

_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")


class CertificateRoute(HttpRoute):
    """Serves the certificate of the signing key; the request needs no signature, as on AWS."""

    allows_foreign_origin = True

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def matches(self, request: Request) -> bool:
        """Return True for the path of a signing certificate."""
        return _PATH.fullmatch(request.raw_path) is not None

    async def respond(self, request: Request, body: RequestBody) -> Response:  # noqa: ARG002 - it has no parameters
        """Return the certificate."""
        certificate = self._signer.certificate_at(request.raw_path)
        if certificate is None:
            raise ServiceError("NotFound", "This local cloud has no signing certificate with this name.", 404)
        return Response(200, {"content-type": "application/x-pem-file"}, certificate.encode())

    def error_response(self, error: ServiceError, request_id: str) -> Response:
        """Return an error in SNS's format."""
        return serialize_error(service_model("sns"), error, request_id)
