"""The health check, which needs no signature."""

from __future__ import annotations

import json
from itertools import chain
from typing import TypedDict

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.gateway.respond import operation_error
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.wire.model import service_model
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response

HEALTH_PATH = "/_scones/health"


class _FullDisk(TypedDict):
    since: float
    waiting: int


class _HealthDocument(TypedDict, total=False):
    status: str
    services: list[str]
    full: _FullDisk
    damage: str
    left: dict[str, int]


class HealthRoute(HttpRoute):
    """Describes the state of the cloud: services, a full disk, a damaged database, and work that was not resumed."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._services = sorted(chain.from_iterable(cloud.signing_names().values()))

    def matches(self, request: Request) -> bool:
        """Return True for the path of the health check."""
        return request.raw_path == HEALTH_PATH

    async def respond(self, request: Request, body: RequestBody) -> Response:  # noqa: ARG002 - it has no parameters
        """Return the health document."""
        store, resumption = self._cloud.store, self._cloud.resumption
        document: _HealthDocument = {"status": "running", "services": self._services}
        if store.full_since is not None:
            document["full"] = {"since": store.full_since, "waiting": store.waiting}
        if store.damage:
            document["damage"] = store.damage
        if resumption.recover:
            document["left"] = {kind: len(names) for kind, names in resumption.not_resumed.items()}
        return Response(200, {"content-type": "application/json"}, json.dumps(document).encode())

    def error_response(self, error: ServiceError, request_id: str) -> Response:
        """Return an error in S3's format, as for other unsigned requests."""
        return operation_error(error, service_model("s3"), request_id)
