"""The Lambda Runtime API of one execution environment, as AWS documents it for custom runtimes.

Each environment has its own port on loopback, which accepts only the environment's own client. Every process on the
machine can see the port in /proc/net/tcp and connect to it. The host in the address is therefore a random name that
only the environment's /etc/hosts contains; a request with another Host is refused before its body is read. Every
runtime client works with this, because AWS_LAMBDA_RUNTIME_API still has the form `HOST:PORT`. If no file can be
mounted, the host is 127.0.0.1, and only requests from web pages are refused.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import httptools

from scones.cloud.services.lambda_.runtime.response_stream import STREAM_LIMIT, ResponseStream

PREFIX = "/2018-06-01/runtime"
LOOPBACK = "127.0.0.1"
RESPONSE_LIMIT = 6_291_556
"""Maximum bytes of a response, as stated in AWS's error message; further bytes are dropped."""
HEAD_LIMIT = 64 << 10
"""Maximum bytes of a request's head."""
TRAILER_LIMIT = 1 << 20
"""Maximum bytes of the trailers of a streamed response, which contain the error of the handler."""
HEAD_SECONDS = 10.0
"""Maximum seconds until a new connection has sent the head of its first request."""
CONNECTIONS_LIMIT = 64
"""Maximum number of open connections: a runtime client has one or two."""
_WEB = (b"origin", b"sec-fetch-site")
"""Headers that mark a request as sent by a web page."""
_MODE, _ERROR_TYPE, _ERROR_BODY = (
    b"lambda-runtime-function-response-mode",
    b"lambda-runtime-function-error-type",
    b"lambda-runtime-function-error-body",
)
"""Header of a streamed response, and its trailers if the handler failed after it began (Lambda Developer Guide,
"Building a custom runtime"). The body is the error in base64."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for a handler; `deadline` is in Unix seconds."""

    request_id: str
    payload: bytes
    deadline: float
    function_arn: str
    client_context: str | None = None
    stream: ResponseStream | None = None
    """Receives the response if the runtime streams it; otherwise, the response is buffered."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that carry the invocation's metadata to the runtime client."""
        trace = (
            f"Root=1-{int(self.deadline):08x}-{self.request_id.replace('-', '')[:24]};Parent=0000000000000000;Sampled=0"
        )
        context = {"Lambda-Runtime-Client-Context": self.client_context} if self.client_context else {}
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(self.deadline * 1e3)),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Lambda-Runtime-Trace-Id": trace,
            **context,
        }


@dataclass(frozen=True, slots=True)
class HandlerResponse:
    """A handler's response; `is_error` is True if the payload is an error."""

    payload: bytes
    is_error: bool


class RuntimeApi:
    """The server side, which hands out one invocation at a time and receives its result."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        """Done when the runtime first asks for an invocation; fails with `InitError` if the runtime cannot start."""
        self.next_requested: asyncio.Future[None] = loop.create_future()
        """Done while the runtime waits for an invocation."""
        self._server: asyncio.Server | None = None
        self.authority = b""
        """The Host that a request must have."""
        self._waiting: _Connection | None = None
        self._invocation: Invocation | None = None
        self._result: asyncio.Future[HandlerResponse] | None = None
        self._connections: set[_Connection] = set()

    async def start(self, host: str = LOOPBACK) -> str:
        """Listen, and return the address for AWS_LAMBDA_RUNTIME_API: `host:port`."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), LOOPBACK, 0)
        address = f"{host}:{self._server.sockets[0].getsockname()[1]}"
        self.authority = address.encode()
        return address

    def stop_listening(self) -> None:
        """Accept no further connections."""
        if self._server is not None:
            self._server.close()

    def close(self) -> None:
        """Stop listening and drop the runtime's connections."""
        self.stop_listening()
        for connection in tuple(self._connections):
            connection.close()

    def dispatch(self, invocation: Invocation) -> asyncio.Future[HandlerResponse]:
        """Give the runtime its next invocation; return a future of its result."""
        self._result = asyncio.get_running_loop().create_future()
        self._invocation = invocation
        self._send_next()
        return self._result

    def _send_next(self) -> None:
        if self._waiting is not None and self._invocation is not None:
            self._waiting.respond(200, self._invocation.payload, self._invocation.headers)
            self._waiting = None
            self.next_requested = asyncio.get_running_loop().create_future()

    def receive(self, connection: _Connection, method: str, path: str, body: bytes) -> None:
        """Handle one request of the runtime."""
        operation = path.removeprefix(PREFIX)
        if (method, operation) == ("GET", "/invocation/next"):
            self._waiting = connection
            for future in (self.ready, self.next_requested):
                if not future.done():
                    future.set_result(None)
            if self._result is not None and not self._result.done():
                self._send_next()
        elif (method, operation) == ("POST", "/init/error"):
            if not self.ready.done():
                self.ready.set_exception(InitError(body))
            connection.respond(202, b'{"status":"OK"}')
        elif method == "POST" and operation.startswith("/invocation/"):
            request_id, _, kind = operation.removeprefix("/invocation/").partition("/")
            self._settle(connection, request_id, body, is_error=kind == "error")
        else:
            connection.respond(404, _error("InvalidPath", f"{method} {path} is not part of the Runtime API."))

    def stream_for(self, path: str) -> ResponseStream | None:
        """Return the stream for the response in a request to `path`, or None if the response is to be buffered."""
        current = self._invocation
        expected = current and f"{PREFIX}/invocation/{current.request_id}/response"
        return current.stream if current and path == expected else None

    def _settle(self, connection: _Connection, request_id: str, body: bytes, *, is_error: bool) -> None:
        current = self._invocation
        if current is None or current.request_id != request_id or self._result is None or self._result.done():
            connection.respond(400, _error("InvalidRequestID", f"Invocation {request_id} is not in progress."))
            return
        self._invocation = None
        connection.respond(202, b'{"status":"OK"}')
        if current.stream is not None and current.stream.size > STREAM_LIMIT:
            message = f"Response payload size exceeded maximum allowed payload size ({STREAM_LIMIT} bytes)."
            body, is_error = _error("Function.ResponseSizeTooLarge", message), True
        self._result.set_result(HandlerResponse(body, is_error or connection.failed))

    def connected(self, connection: _Connection) -> bool:
        """Register a connection, so that `close` can drop it; return False if there are too many."""
        self._connections.add(connection)
        return len(self._connections) <= CONNECTIONS_LIMIT

    def disconnected(self, connection: _Connection) -> None:
        """Unregister a connection."""
        self._connections.discard(connection)
        if self._waiting is connection:
            self._waiting = None


def secret_host() -> str:
    """Return a new name for the loopback address: 128 random bits below `localhost`, which resolvers do not forward."""
    return f"{secrets.token_hex(16)}.localhost"


class InitError(Exception):
    """The runtime could not start, for example because the handler cannot be imported.

    `payload` is the error as the runtime reported it.
    """

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload)
        self.payload = payload

    @property
    def kind(self) -> str:
        """The error's type as the runtime names it, or "Runtime.Unknown"."""
        try:
            return str(json.loads(self.payload)["errorType"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return "Runtime.Unknown"


class _Connection(asyncio.Protocol):
    """One keep-alive connection of the runtime client."""

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = b""
        self._hosts: list[bytes] = []
        self._from_web = self._rejected = self._streamed = False
        self._content_type = b""
        self._stream: ResponseStream | None = None
        self.failed = False
        """True if trailers say that the handler failed after its streamed response began."""
        self._head = 0
        """Bytes of the head received so far; -1 after the head."""
        self._trailers = 0
        """Bytes received since the last piece of a body."""
        self._body = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        """Closes the connection unless its first request is accepted in time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's lacks only the base class
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.close)
        if not self._api.connected(self):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._stop_timer()
        if self._stream is not None:
            self._stream.close()
        self._api.disconnected(self)

    def data_received(self, data: bytes) -> None:
        if self._rejected:
            return
        if self._head >= 0:
            self._head += len(data)
        else:
            self._trailers += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
        if self._head > HEAD_LIMIT or self._trailers > TRAILER_LIMIT:
            self.close()

    def on_message_begin(self) -> None:
        self._path, self._body, self._hosts, self._from_web, self._head = b"", bytearray(), [], False, 0
        self._streamed, self._content_type, self._stream, self.failed = False, b"", None, False
        self._trailers = 0

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"host":
            self._hosts.append(value)
        elif name in _WEB:
            self._from_web = True
        elif name == b"content-type":
            self._content_type = value
        elif name == _MODE:
            self._streamed = value.lower() == b"streaming"
        elif self._head < 0 and name in (_ERROR_TYPE, _ERROR_BODY):
            self._read_trailer(name, value)

    def on_headers_complete(self) -> None:
        self._head = -1
        known = len(self._hosts) == 1 and hmac.compare_digest(self._hosts[0], self._api.authority)
        if known and not self._from_web:
            self._stop_timer()
            if self._streamed and self._transport and (stream := self._api.stream_for(self._path.decode())):
                stream.open(self._content_type.decode("latin-1"), self._transport)
                self._stream = stream
            return
        self._rejected = True
        self.respond(403, _error("AccessDenied", "This Runtime API belongs to another execution environment."))
        if self._transport is not None:
            self._transport.close()

    def on_body(self, body: bytes) -> None:
        self._trailers = 0
        if self._stream is not None:
            self._stream.add(body)
        elif not self._rejected:
            self._body += body[: RESPONSE_LIMIT + 1 - len(self._body)]

    def on_message_complete(self) -> None:
        self._head = 0
        if self._rejected:
            return
        if self._stream is not None:
            self._stream.close()
        self._api.receive(self, self._parser.get_method().decode(), self._path.decode(), bytes(self._body))

    def _read_trailer(self, name: bytes, value: bytes) -> None:
        """Replace the response by the error that a trailer names."""
        if not self.failed:
            self.failed, self._body = True, bytearray()
        if name == _ERROR_BODY:
            with contextlib.suppress(binascii.Error):
                self._body[:] = base64.b64decode(value)
        elif not self._body:
            self._body[:] = json.dumps({"errorType": value.decode("latin-1")}).encode()

    def respond(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Write a response."""
        lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {"Content-Type": "application/json"}).items()]
        if self._transport is not None:
            self._transport.write("\r\n".join([*lines, "", ""]).encode() + body)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Drop the connection."""
        self._rejected = True
        if self._transport is not None:
            self._transport.abort()


def _error(kind: str, message: str) -> bytes:
    document = {"errorType": kind, "errorMessage": message}
    return json.dumps(document).encode()
