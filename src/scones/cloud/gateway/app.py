"""The ASGI application: the stages through which each request passes.

Origin check → route → authenticate → parse → validate → operation → serialize → send. Each stage takes the values of
the stages before it, and raises `ServiceError` to end the request.
"""

from __future__ import annotations

import logging
import time
from functools import partial

from scones.cloud.cloud import Cloud
from scones.cloud.core.body_threads import THREAD_BYTES, on_body_thread
from scones.cloud.core.credentials import ANONYMOUS
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.gateway.authenticate import AuthenticatedRequest, Authenticator
from scones.cloud.gateway.body import BodyReader, stream, wait_for_disconnect
from scones.cloud.gateway.health import HealthRoute
from scones.cloud.gateway.landing import LandingRoute
from scones.cloud.gateway.origin import check_origin
from scones.cloud.gateway.receive import received_request
from scones.cloud.gateway.respond import ResponseWriter, internal_error, operation_error
from scones.cloud.gateway.route import Router, require_operation
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.service import OperationCall
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import streamed_input
from scones.cloud.wire.parse import parse
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response
from scones.cloud.wire.routing import Match
from scones.cloud.wire.signatures.presigned import headers_of
from scones.cloud.wire.signatures.verifier import SignatureVerifier
from scones.http.asgi import Receive, Scope, Send

log = logging.getLogger(__name__)


class Gateway:
    """The gateway: one port for all services."""

    def __init__(self, cloud: Cloud) -> None:
        settings = cloud.settings
        self._cloud = cloud
        self._port = settings.port
        self._own_routes: tuple[HttpRoute, ...] = (HealthRoute(cloud), LandingRoute(cloud))
        self._bodies = BodyReader()
        self._router = Router(cloud)
        verifier = SignatureVerifier(cloud.credentials, account=settings.account, region=settings.region)
        self._authenticator = Authenticator(verifier, self._bodies, self._accepts_unsigned)
        self._writer = ResponseWriter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one HTTP request."""
        if scope["type"] != "http":
            raise RuntimeError(f"The gateway supports HTTP only, not {scope['type']}.")
        request = received_request(scope, self._port)
        for route in (*self._own_routes, *self._cloud.http_routes):
            if route.matches(request):
                response = await self._respond_by_route(route, request, receive)
                break
        else:
            response = await self._respond_by_operation(request, receive)
        await self._writer.send(response, request.method, send)

    async def _respond_by_operation(self, request: Request, receive: Receive) -> Response:
        """Pass a request for an API operation through all stages."""
        request_id = uuid4()
        begun = time.perf_counter()
        match: Match | None = None
        try:
            check_origin(request, self._port, allow_foreign=self._accepts_foreign_origins(request))
            routed = await self._router.route(request)
            match = routed.match
            authenticated = await self._authenticator.authenticate(request, routed, receive)
            match = require_operation(request, routed, authenticated.form)
            handler = self._cloud.handler(match.service, match.operation.name)
            params = await self._params(match, request, authenticated)
            call = _operation_call(match, params, request, authenticated, request_id, receive)
            if call.caller is ANONYMOUS:
                self._cloud.services[match.service].check_unsigned(call)
            output = await handler(call)
            response = await self._writer.serialize(match.operation, output, request_id)
        except Exception as error:
            model = match.operation.service_model if match else self._router.assumed_model(request)
            response = operation_error(self._service_error(error, match, request_id), model, request_id)
        if "origin" in request.headers and match:
            response.headers |= self._cloud.services[match.service].cross_origin_headers(request)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %d %.1f ms", _name(match), response.status, (time.perf_counter() - begun) * 1e3)
        return response

    def _accepts_unsigned(self, match: Match) -> bool:
        return match.operation.name in self._cloud.services[match.service].unsigned_operations

    def _accepts_foreign_origins(self, request: Request) -> bool:
        """Return True if web pages of other sites may send a request to the service that it addresses."""
        if "origin" not in request.headers:
            return False
        service = self._cloud.services.get(self._router.assumed_model(request).service_name)
        return service is not None and service.accepts_foreign_origins

    async def _respond_by_route(self, route: HttpRoute, request: Request, receive: Receive) -> Response:
        """Answer a request that is not for an API operation."""
        request_id = uuid4()
        try:
            check_origin(request, self._port, allow_foreign=route.allows_foreign_origin)
            body = RequestBody(partial(self._bodies.read, receive), partial(stream, receive))
            return await route.respond(request, body)
        except Exception as error:
            return route.error_response(self._service_error(error, None, request_id), request_id)

    async def _params(self, match: Match, request: Request, authenticated: AuthenticatedRequest) -> Members:
        """Return the parameters; a large body is parsed and validated on a thread."""
        if len(authenticated.body) <= THREAD_BYTES:
            return self._parse_and_validate(match, request, authenticated)
        return await on_body_thread(partial(self._parse_and_validate, match, request, authenticated))

    def _parse_and_validate(self, match: Match, request: Request, authenticated: AuthenticatedRequest) -> Members:
        """Return the parameters, parsed and validated by the service model."""
        operation = match.operation
        query = {**request.query, **authenticated.form} if authenticated.form else request.query
        params = parse(operation, match.uri, query, headers_of(request), authenticated.body)
        if shape := operation.input_shape:
            if name := streamed_input(operation):
                params[name] = authenticated.stream
            try:
                self._cloud.services[match.service].validate(params, shape)
            except RecursionError as error:  # from a shape that contains itself
                raise ServiceError("SerializationException", "The request is nested too deeply.") from error
        return params

    def _service_error(self, error: Exception, match: Match | None, request_id: str) -> ServiceError:
        """Return the error for the client; log an unexpected failure, with its trace unless the database is damaged."""
        if isinstance(error, ServiceError):
            return error
        failure = internal_error(error, request_id)
        if failure.code == "InternalFailure":
            trace = None if self._cloud.store.report_damage(error) else error
            log.error("%s failed (request %s)", _name(match), request_id, exc_info=trace)
        return failure


def _operation_call(
    match: Match,
    params: Members,
    request: Request,
    authenticated: AuthenticatedRequest,
    request_id: str,
    receive: Receive,
) -> OperationCall:
    return OperationCall(
        operation=match.operation.name,
        params=params,
        caller=authenticated.caller,
        request_id=request_id,
        headers=headers_of(request),
        trailers=authenticated.trailers,
        disconnected=partial(wait_for_disconnect, receive),
    )


def _name(match: Match | None) -> str:
    """Return the service and the operation for the log."""
    return f"{match.service}:{match.operation.name}" if match else ":?"
