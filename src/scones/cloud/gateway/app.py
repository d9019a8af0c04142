"""The ASGI application: authenticates requests, finds their operations, validates parameters and responds."""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qsl

from scones.cloud.cloud import Cloud
from scones.cloud.core.credentials import Caller
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import DiskFullError, ServiceError, is_disk_full
from scones.cloud.gateway import authenticate as auth
from scones.cloud.gateway import body
from scones.cloud.service import OperationCall, OperationOutput, Service
from scones.cloud.services.lambda_.functions.code_links import PREFIX as CODE
from scones.cloud.services.lambda_.invoke.function_url_server import UrlTarget, url_target
from scones.cloud.wire import numbers, s3_headers
from scones.cloud.wire.body_limits import body_limit, too_large
from scones.cloud.wire.form import fields_of
from scones.cloud.wire.model import service_model, streamed_input
from scones.cloud.wire.parse import parse
from scones.cloud.wire.routing import Match, match_action, match_rest, match_target
from scones.cloud.wire.serialize import LARGE, Response, serialize, serialize_error, size_of

if TYPE_CHECKING:
    from scones.cloud.services.lambda_ import Lambda

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HEALTH = "/_scones/health"
FUNCTION_URL_LIMIT = 6 * 1024 * 1024
"""Maximum size in bytes of a request body for a function URL."""
UNSENT_LIMIT = 256 << 20
"""Maximum total size in bytes of unread large responses; a further one is rejected before it is serialized."""


class _ReceivedRequest(NamedTuple):
    """A received request, with the values that are decoded only once."""

    request: auth.Request
    query: Mapping[str, Sequence[str]]
    query_string: str


class _CandidateServices(NamedTuple):
    """The services that share one signing name, grouped by the protocol that identifies their operations."""

    services: tuple[str, ...]
    rest: tuple[str, ...]
    query: bool
    offered: Mapping[str, Set[str]]
    """Supported operations by service."""

    @classmethod
    def of(cls, services: Sequence[Service]) -> _CandidateServices:
        """Group services by protocol; loads their models."""
        offered = {service.name: service.operations() for service in services}
        rest = tuple(name for name in offered if _protocol(name).startswith("rest"))
        return cls(tuple(offered), rest, any(_protocol(name) == "query" for name in offered), offered)


@dataclass(slots=True)
class _AuthenticatedRequest:
    """An authenticated request: its operation, its caller, and its body as bytes or as a stream."""

    match: Match
    caller: Caller
    body: bytes = b""
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    trailers: dict[str, str] = field(default_factory=dict)


class Gateway:
    """The gateway: one port for all services.

    The service is found by the signing name, then by target, action or path.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._bodies = body.BodyReader()
        self._by_signing_name = cloud.signing_names()
        self._candidates: dict[str, _CandidateServices] = {}
        self._unsent = 0
        """Total size in bytes of large responses that clients have not read yet."""

    async def __call__(self, scope: Scope, receive: body.Receive, send: Send) -> None:
        """Process one HTTP request."""
        if scope["type"] != "http":
            raise RuntimeError(f"The gateway supports HTTP only, not {scope['type']}.")
        incoming = _received_request(scope, self.cloud.settings.port)
        at = url_target(incoming.request)
        if at is not None:
            await self._handle_function_url(at, incoming, scope, receive, send)
            return
        response = await self._handle_request(incoming, receive)
        try:
            await _send(response, scope["method"], send)
        finally:
            self._unsent -= response.unsent_bytes

    async def _handle_function_url(
        self, at: UrlTarget, incoming: _ReceivedRequest, scope: Scope, receive: body.Receive, send: Send
    ) -> None:
        """Process a request to a function URL.

        The Host must be the local cloud's, as a protection against DNS rebinding. A foreign Origin is allowed, as on
        AWS: web pages are meant to call function URLs, their ids cannot be guessed, and the CORS settings decide what a
        page may read.
        """
        try:
            auth.check_origin({"host": incoming.request.headers.get("host", "")}, self.cloud.settings.port)
            refused = partial(too_large, "lambda", "Invoke", FUNCTION_URL_LIMIT)
            content = await self._bodies.read(receive, FUNCTION_URL_LIMIT, refused)
            query, source = scope["query_string"].decode("latin-1"), (scope.get("client") or ("127.0.0.1",))[0]
            functions = cast("Lambda", self.cloud.services["lambda"])
            response = await functions.urls.respond(at, incoming.request, query, content, source)
            status, pairs, whole = response.status, response.headers, response.body
        except ServiceError as error:
            status, pairs, whole = error.status, [], json.dumps({"Message": str(error)}).encode()
        if status not in (204, 304):
            pairs.append(("content-length", str(len(whole))))
        headers = [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in pairs]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else whole})

    async def _handle_request(self, incoming: _ReceivedRequest, receive: body.Receive) -> Response:
        request_id = uuid4()
        begun = time.perf_counter()
        name, service = "?", ""
        try:
            auth.check_origin(incoming.request.headers, self.cloud.settings.port)
            if incoming.request.raw_path == HEALTH:
                return self._health()
            if incoming.request.raw_path.startswith(CODE):
                return await self._code(incoming)
            admitted = await self._authenticate(incoming, receive)
            service, name = admitted.match.service, admitted.match.operation.name
            handler = self.cloud.handler(service, name)
            outcome = await handler(await self._call(admitted, incoming, request_id, receive))
            members, status = (
                (outcome.members, outcome.status) if isinstance(outcome, OperationOutput) else (outcome, None)
            )
            write = partial(serialize, admitted.match.operation, members, request_id, status)
            size = size_of(members)
            response = write() if size <= LARGE else await self._serialize_on_thread(write, size)
        except ServiceError as error:
            model = service_model(service or self._assumed_service(incoming.request))
            refused = auth.protocol_error(error, model.metadata["protocol"])
            response = serialize_error(model, refused, request_id, incoming.request.resource)
        except Exception as error:
            if is_disk_full(error):
                failure: ServiceError = DiskFullError()
            else:
                trace = None if self.cloud.store.report_damage(error) else error
                log.error("%s:%s failed (request %s)", service, name, request_id, exc_info=trace)
                failure = ServiceError(
                    "InternalFailure", f"Internal error of the local cloud; see its log (request {request_id}).", 500
                )
            model = service_model(service or self._assumed_service(incoming.request))
            response = serialize_error(model, failure, request_id, incoming.request.resource)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s:%s %d %.1f ms", service, name, response.status, (time.perf_counter() - begun) * 1e3)
        return response

    async def _serialize_on_thread(self, write: Callable[[], Response], size: int) -> Response:
        """Serialize a large response on a thread; reject the request while too many large responses are unread."""
        if self._unsent + size > UNSENT_LIMIT:
            raise ServiceError(
                "ServiceUnavailable", "Too many large responses are waiting to be read; try again later.", 503
            )
        self._unsent += size
        try:
            response = await body.on_thread(write)
        except BaseException:
            self._unsent -= size
            raise
        response.unsent_bytes = size
        return response

    async def _addressed_services(self, incoming: _ReceivedRequest) -> _CandidateServices:
        """Return the services that a request may address, by the signing name in its signature."""
        scope = auth.scope_of(incoming.request)
        if scope is None:  # unsigned, or an S3 URL presigned with Signature Version 2
            return await self._services_of_signing_name("s3")
        signing_name, _ = scope
        if signing_name not in self._by_signing_name:
            raise ServiceError(
                "NotImplemented", f"The local cloud does not support the service {signing_name}; AWS does.", 501
            )
        return await self._services_of_signing_name(signing_name)

    async def _services_of_signing_name(self, signing_name: str) -> _CandidateServices:
        """Return the services of a signing name; the first request for them loads their models (up to 30 ms)."""
        candidates = self._candidates.get(signing_name)
        if candidates is None:
            names = self._by_signing_name[signing_name]
            for name in names:
                await self.cloud.wake(name)
            candidates = self._candidates[signing_name] = _CandidateServices.of(
                [self.cloud.services[name] for name in names]
            )
        return candidates

    def _assumed_service(self, request: auth.Request) -> str:
        """Return the service whose wire format is used for an error if the addressed service is not known yet."""
        if "x-amz-target" in request.headers:
            return "logs"
        scope = auth.scope_of(request)
        if scope is None:
            return "s3"
        for name in self._by_signing_name.get(scope[0], ()):
            if _protocol(name) != "json":  # requests in the JSON protocol have a target
                return name
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        return "sts" if form else "lambda"  # an unsupported service: of the query protocol, or of REST and JSON

    async def _authenticate(self, incoming: _ReceivedRequest, receive: body.Receive) -> _AuthenticatedRequest:
        """Find the operation and verify the signature; a body that the operation streams is not read yet."""
        request = incoming.request
        candidates = await self._addressed_services(incoming)
        match = self._route(incoming, candidates, {})
        if "s3" in candidates.services:
            s3_headers.check_headers(request.headers, incoming.query_string)
        if match is not None and streamed_input(match.operation):
            signature = self._verify(request, None)
            admitted = _AuthenticatedRequest(match, signature.caller)
            chunks = body.limited(body.stream(receive), *_limit(incoming, candidates, match))
            admitted.stream = _decoded_body(incoming, signature, chunks, admitted.trailers)
            return admitted
        # rejects a request without a valid key before its body is read
        auth.require_key(request, self.cloud.credentials, self.cloud.settings.account)
        whole = await self._bodies.read(receive, *_limit(incoming, candidates, match))
        framed = request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        signature = self._verify(request, None if framed else await body.sha256_hex(whole))
        trailers: dict[str, str] = {}
        if framed:
            whole = b"".join(
                [chunk async for chunk in _decoded_body(incoming, signature, _single_chunk(whole), trailers)]
            )
        form: Mapping[str, Sequence[str]] = {}
        if candidates.query:
            form = fields_of(whole) if len(whole) <= body.IN_THREAD else await body.on_thread(partial(fields_of, whole))
            match = match or self._route(incoming, candidates, form)
        if match is None:
            raise ServiceError(
                "UnknownOperationException", "The request does not name an operation of this service.", 404
            )
        return _AuthenticatedRequest(match, signature.caller, whole, form, trailers=trailers)

    def _verify(self, request: auth.Request, body_hash: str | None) -> auth.Signature:
        settings, credentials = self.cloud.settings, self.cloud.credentials
        return auth.verify(
            request, body_hash, credentials=credentials, account=settings.account, region=settings.region
        )

    def _route(
        self, incoming: _ReceivedRequest, candidates: _CandidateServices, form: Mapping[str, Sequence[str]]
    ) -> Match | None:
        if target := incoming.request.headers.get("x-amz-target"):
            return match_target(candidates.services, target)
        if candidates.query:
            action = {**incoming.query, **form}.get("Action")
            return match_action(candidates.services, action[0]) if action else None
        query = {name: values[0] for name, values in incoming.query.items()}
        request = incoming.request
        return match_rest(candidates.rest, candidates.offered, request.method, request.resource, query, request.headers)

    async def _call(
        self, admitted: _AuthenticatedRequest, incoming: _ReceivedRequest, request_id: str, receive: body.Receive
    ) -> OperationCall:
        if len(admitted.body) <= body.IN_THREAD:
            params = self._params(admitted, incoming)
        else:
            params = await body.on_thread(partial(self._params, admitted, incoming))
        return OperationCall(
            operation=admitted.match.operation.name,
            params=params,
            caller=admitted.caller,
            request_id=request_id,
            headers=incoming.request.headers,
            trailers=admitted.trailers,
            disconnected=partial(body.wait_for_disconnect, receive),
        )

    def _params(self, admitted: _AuthenticatedRequest, incoming: _ReceivedRequest) -> dict[str, Any]:
        """Return the parameters, parsed and validated by the service model."""
        operation, service = admitted.match.operation, self.cloud.services[admitted.match.service]
        query = {**incoming.query, **admitted.form} if admitted.form else incoming.query
        params = parse(operation, admitted.match.uri, query, incoming.request.headers, admitted.body)
        if shape := operation.input_shape:
            if name := streamed_input(operation):
                params[name] = admitted.stream
            try:
                service.validate(params, shape)
            except RecursionError as error:  # from a shape that contains itself
                raise ServiceError("SerializationException", "The request is nested too deeply.") from error
        return params

    async def _code(self, incoming: _ReceivedRequest) -> Response:
        functions = cast("Lambda", self.cloud.services["lambda"])
        archive = await functions.links.read(incoming.request.raw_path, incoming.query)
        return Response(200, {"content-type": "application/zip"}, archive)

    def _health(self) -> Response:
        store, resumption = self.cloud.store, self.cloud.resumption
        services = sorted(chain.from_iterable(self._by_signing_name.values()))
        document: dict[str, Any] = {"status": "running", "services": services}
        if store.full_since is not None:
            document["full"] = {"since": store.full_since, "waiting": store.waiting}
        if store.damage:
            document["damage"] = store.damage
        if resumption.recover:
            document["left"] = {kind: len(names) for kind, names in resumption.not_resumed.items()}
        return Response(200, {"content-type": "application/json"}, json.dumps(document).encode())


def _received_request(scope: Scope, port: int) -> _ReceivedRequest:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    query: dict[str, list[str]] = defaultdict(list)
    query_string = scope["query_string"].decode("latin-1")
    pairs = parse_qsl(query_string, keep_blank_values=True) if query_string else []
    for name, value in pairs:
        query[name].append(value)
    raw_path = scope["raw_path"].decode("latin-1")
    bucket, dot, _ = headers.get("host", "").rpartition(f".localhost:{port}")
    resource = f"/{bucket}{raw_path}" if dot else raw_path
    request = auth.Request(scope["method"], raw_path, resource, pairs, headers)
    return _ReceivedRequest(request, query, query_string)


@cache
def _protocol(service: str) -> str:
    protocol: str = service_model(service).metadata["protocol"]
    return protocol


def _limit(
    incoming: _ReceivedRequest, candidates: _CandidateServices, match: Match | None
) -> tuple[int, Callable[[], ServiceError]]:
    """Return the maximum size of a body, and the error for a larger one; raises it if Content-Length is larger."""
    service, operation = (match.service, match.operation.name) if match else (candidates.services[0], "")
    limit = body_limit(service, operation)
    refused = partial(too_large, service, operation, limit)
    try:
        numbers.unsigned_integer(incoming.request.headers.get("content-length", "0"), limit)
    except ValueError as error:
        raise refused() from error
    return limit, refused


def _decoded_body(
    incoming: _ReceivedRequest, signature: auth.Signature, chunks: AsyncIterator[bytes], trailers: dict[str, str]
) -> AsyncIterator[bytes]:
    """Return the decoded body, verified against its signature and the announced length."""
    declared = signature.payload_hash
    if declared.startswith("STREAMING-"):
        announced = incoming.request.headers.get("x-amz-trailer", "")
        chunks = aiter(body.ChunkedReader(chunks, signature, announced, trailers))
    elif declared and not declared.startswith("UNSIGNED"):
        chunks = body.verified_hash(chunks, declared)
    length = incoming.request.headers.get("x-amz-decoded-content-length")
    return chunks if length is None else body.verified_length(chunks, _decoded_length(length))


def _decoded_length(text: str) -> int:
    """Return the decoded length of an aws-chunked body, which excludes the chunk headers."""
    try:
        return numbers.unsigned_integer(text, body.CHUNK_LIMIT)
    except ValueError as error:  # AWS's message is unknown
        raise ServiceError("InvalidRequest", f"x-amz-decoded-content-length: {error}.") from error


async def _single_chunk(whole: bytes) -> AsyncIterator[bytes]:
    yield whole


async def _send(response: Response, method: str, send: Send) -> None:
    content = response.body
    whole = content if isinstance(content, bytes) else None
    if whole is not None and "content-length" not in response.headers and response.status not in (204, 304):
        response.headers["content-length"] = str(len(whole))
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if isinstance(content, bytes):
        if response.unsent_bytes:  # sending the last piece of a body does not wait for the client
            await send({"type": "http.response.body", "body": content, "more_body": True})
            content = b""
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})
        return
    async for chunk in content:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
