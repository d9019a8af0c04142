"""Third stage: the signature of a request, and its body.

A body that its operation streams is verified while the operation reads it. Any other body is read completely, because
its hash is signed; a request without a known key is rejected before that.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from scones.cloud.core.body_threads import THREAD_BYTES, on_body_thread, sha256_hex
from scones.cloud.core.credentials import ANONYMOUS, Caller
from scones.cloud.errors import ServiceError
from scones.cloud.gateway.aws_chunked import decoded_body
from scones.cloud.gateway.body import BodyReader, limited, stream
from scones.cloud.gateway.route import RoutedRequest
from scones.cloud.wire import numbers
from scones.cloud.wire.body_limits import body_limit, too_large
from scones.cloud.wire.form import fields_of
from scones.cloud.wire.model import streamed_input
from scones.cloud.wire.request import Request
from scones.cloud.wire.routing import Match
from scones.cloud.wire.signatures.verifier import Signature, SignatureVerifier, is_unsigned
from scones.http.asgi import Receive

_GZIP = 16 + zlib.MAX_WBITS
"""Window of zlib for the format gzip."""


@dataclass(slots=True)
class AuthenticatedRequest:
    """The caller of a request, and its body as bytes or as a stream."""

    caller: Caller
    body: bytes = b""
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Fields of the body of a request in the Query protocol."""
    stream: AsyncIterator[bytes] | None = None
    trailers: dict[str, str] = field(default_factory=dict)


class Authenticator:
    """Verifies signatures and reads bodies."""

    def __init__(
        self, verifier: SignatureVerifier, bodies: BodyReader, accepts_unsigned: Callable[[Match], bool]
    ) -> None:
        self._verifier = verifier
        self._bodies = bodies
        self._accepts_unsigned = accepts_unsigned

    async def authenticate(self, request: Request, routed: RoutedRequest, receive: Receive) -> AuthenticatedRequest:
        """Return the caller and the body of a request; raises `ServiceError` unless its signature is valid.

        The caller of an unsigned request is `ANONYMOUS` if its operation accepts such requests.
        """
        if is_unsigned(request) and routed.match is not None and self._accepts_unsigned(routed.match):
            return self._unsigned(request, routed, receive)
        if routed.match is not None and streamed_input(routed.match.operation):
            return self._authenticate_stream(request, routed, receive)
        self._verifier.require_key(request)
        limit, error_of_size = _limit(request, routed)
        body = await self._bodies.read(receive, limit, error_of_size)
        framed = request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        signature = self._verifier.verify(request, None if framed else await sha256_hex(body))
        authenticated = AuthenticatedRequest(signature.caller, body)
        if framed:
            chunks = decoded_body(request, signature, _single_chunk(body), authenticated.trailers)
            authenticated.body = body = b"".join([chunk async for chunk in chunks])
        if request.headers.get("content-encoding") == "gzip" and not routed.candidates.rest:
            unpacked = await on_body_thread(partial(_unpacked, body, limit, error_of_size))
            authenticated.body = body = unpacked
        if _has_form(routed):
            small = len(body) <= THREAD_BYTES
            authenticated.form = fields_of(body) if small else await on_body_thread(partial(fields_of, body))
        return authenticated

    def _unsigned(self, request: Request, routed: RoutedRequest, receive: Receive) -> AuthenticatedRequest:
        """Return an unsigned request; only a streamed body is read."""
        authenticated = AuthenticatedRequest(ANONYMOUS)
        if routed.match is not None and streamed_input(routed.match.operation):
            declared = request.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
            signature = Signature(ANONYMOUS, routed.match.service, declared, b"", "", "", "")
            chunks = limited(stream(receive), *_limit(request, routed))
            authenticated.stream = decoded_body(request, signature, chunks, authenticated.trailers)
        return authenticated

    def _authenticate_stream(self, request: Request, routed: RoutedRequest, receive: Receive) -> AuthenticatedRequest:
        signature = self._verifier.verify(request, None)
        authenticated = AuthenticatedRequest(signature.caller)
        chunks = limited(stream(receive), *_limit(request, routed))
        authenticated.stream = decoded_body(request, signature, chunks, authenticated.trailers)
        return authenticated


def _unpacked(body: bytes, limit: int, error_of_size: Callable[[], ServiceError]) -> bytes:
    """Return a body that the client has compressed, as SDKs compress large PutMetricData requests."""
    try:
        unpacked = zlib.decompressobj(_GZIP).decompress(body, limit + 1)
    except zlib.error as error:
        raise ServiceError("SerializationException", f"The body cannot be decompressed: {error}") from error
    if len(unpacked) > limit:
        raise error_of_size()
    return unpacked


def _has_form(routed: RoutedRequest) -> bool:
    """Return True if the body may be a form of the Query protocol."""
    candidates, match = routed
    return candidates.query and (match is None or match.operation.service_model.metadata["protocol"] == "query")


def _limit(request: Request, routed: RoutedRequest) -> tuple[int, Callable[[], ServiceError]]:
    """Return the maximum size of a body, and the error for a larger one; raises it if Content-Length is larger."""
    candidates, match = routed
    service, operation = (match.service, match.operation.name) if match else (candidates.services[0], "")
    limit = body_limit(service, operation)
    error_of_size = partial(too_large, service, operation, limit)
    try:
        numbers.unsigned_integer(request.headers.get("content-length", "0"), limit)
    except ValueError as error:
        raise error_of_size() from error
    return limit, error_of_size


async def _single_chunk(whole: bytes) -> AsyncIterator[bytes]:
    yield whole
