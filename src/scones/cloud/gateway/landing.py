"""The page that a browser shows at the root of the port."""

from __future__ import annotations

from pathlib import Path
from string import Template

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.gateway.health import HEALTH_PATH
from scones.cloud.gateway.respond import operation_error
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.wire.model import service_model
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response

BOTO3 = "https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services"
_TEMPLATE = Path(__file__).with_name("landing.html")
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


class LandingRoute(HttpRoute):
    """Describes the cloud to people. S3's ListBuckets has the same path; its requests are signed, or not for HTML."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def matches(self, request: Request) -> bool:
        """Return True for a browser's request of the root."""
        return (
            request.resource == "/"
            and request.method == "GET"
            and not request.query_string
            and "authorization" not in request.headers
            and "text/html" in request.headers.get("accept", "")
        )

    async def respond(self, request: Request, body: RequestBody) -> Response:  # noqa: ARG002 - it has no parameters
        """Return the page."""
        names = sorted(name for names in self._cloud.signing_names().values() for name in names)
        page = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
            account=self._cloud.settings.account,
            region=self._cloud.settings.region,
            url=self._cloud.url,
            health=HEALTH_PATH,
            services="\n".join(f'<li><a href="{BOTO3}/{name}.html">{name}</a></li>' for name in names),
        )
        return Response(200, dict(_HEADERS), page.encode())

    def error_response(self, error: ServiceError, request_id: str) -> Response:
        """Return an error in S3's format, as for other unsigned requests."""
        return operation_error(error, service_model("s3"), request_id)
