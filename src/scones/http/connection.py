"""An HTTP/1.1 connection for a uvicorn server, optimized for responses that take well under a millisecond.

With uvicorn's own protocols, half of the processor time of such a response is spent on HTTP: head and body are written
separately, each in a packet that wakes the client, and each request creates events and timers. Here a response is
written in one piece, and futures are created only if something waits for them. The resources of a client are limited,
too: the size and duration of a request's head, and the data that follows an unanswered request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import resource
import socket
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, ClassVar, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.server import ServerState

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]

SLICE = 16 << 10
"""Maximum number of bytes passed to the parser at once, by which a head may exceed its limit."""
HEAD_LIMIT = 64 << 10
"""Maximum size of a request's head in bytes: the request line and all headers."""
URL_LIMIT = 16 << 10
"""Maximum length of a request's URL in bytes; a longer one gets status 414."""
HEADERS_LIMIT = 1000
"""Maximum number of headers of a request: S3's 2 KB of user metadata can take several hundred headers."""
READ_AHEAD = 64 << 10
"""Bytes of a body that may wait for the application; reading pauses if there are more."""
JOINED = 64 << 10
"""Maximum size in bytes of a body that is copied to the end of the head; a larger one is written separately."""
SEND_BUFFER = 128 << 10
"""Size in bytes of the socket's send buffer, for clients that do not read; Linux doubles it."""
LINGER = 5.0
"""Seconds for which a client may continue to send after its response; the data is discarded."""
DROPPED_PER_SECOND = 32 << 20
"""Maximum number of discarded bytes read per second from all lingering clients together: reading costs time."""
CONNECTIONS = max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
"""Maximum number of connections of a server: half of its file descriptors; the rest remain for the data folder."""
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class HttpConnection(asyncio.Protocol):
    """The protocol class for `uvicorn.Config(http=…)`; responds to requests in the order of their arrival."""

    _lingering: ClassVar[set[HttpConnection]] = set()
    """Connections that have their last response while their clients still send."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn passes it to every connection
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.app: Callable[..., Awaitable[None]] = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.server = server_state
        self._idle_seconds = config.timeout_keep_alive
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # such data is ignored
        self._under_way: deque[Exchange] = deque()
        """The current exchange, and those queued after it."""
        self._arriving: Exchange | None = None
        """The exchange whose body is being received."""
        self._url = b""
        self._headers: Headers = []
        self._in_head = self._no_more_requests = False
        self._head_size = 0
        self._rejection_status = 400
        """Status for a request that the parser or a limit rejects."""
        self._held = b""
        """Bytes received after unanswered requests; the parser gets them later."""
        self._resumes = False
        self._reading = True
        self._waits_since = self.loop.time()
        """Loop time since which the connection has been waiting for the client, if it is waiting."""
        self._timer = self.loop.call_later(self._idle_seconds, self._end_if_idle)
        self.writable: asyncio.Future[None] | None = None
        """Future that is done when the client has read most of the written data; None while writing is possible."""
        self._written = 0
        """Number of bytes passed to the transport."""
        self._taken = -1
        """Number of those bytes that had left the transport when the timer last ran."""

    # --- the transport -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting for a request."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transport has the interface but not the class
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._addresses = {"client": _address(transport, "peername"), "server": _address(transport, "sockname")}
        self.server.connections.add(self)  # type: ignore[arg-type]  # uvicorn's type lists only its own two classes
        if len(self.server.connections) > CONNECTIONS:
            self._make_room()

    def _make_room(self) -> None:
        """Close the connection that has been idle longest; its client reconnects when necessary."""
        connections = cast("set[HttpConnection]", self.server.connections)
        idle = [each for each in connections if not each._under_way and not each.transport.is_closing()]
        min(idle, key=lambda each: each._waits_since).transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass data to the parser, and reject invalid requests."""
        if self._no_more_requests:
            if self in self._lingering:
                self._drop(len(data))
            return
        if self._arriving is not None:
            self._waits_since = self.loop.time()
        if self._held:
            self._held += data
        elif len(data) <= SLICE and len(self._under_way) < 2:
            self._parse(data)
        else:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        """Pass data to the parser in slices; hold the rest back if several requests are queued.

        One read can contain thousands of requests of a few bytes each.
        """
        for begin in range(0, len(data), SLICE):
            if len(self._under_way) > 1:
                self._held = data[begin:]
                return
            self._parse(data[begin : begin + SLICE])
            if self._no_more_requests:
                return

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # no upgrade is supported; the request is processed normally
            self._close_after_queued()
        except httptools.HttpParserError:
            self._reject(self._rejection_status)
        if self._in_head and not self._no_more_requests:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                self._reject(431)

    def _feed_held(self) -> None:
        self._resumes = False
        held, self._held = self._held, b""
        if not self._no_more_requests and not self.transport.is_closing():
            self._feed(held)
        self.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """End all exchanges."""
        self.server.connections.discard(self)
        self._lingering.discard(self)
        self._timer.cancel()
        for exchange in self._under_way:
            exchange.end()
        self._under_way.clear()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Make exchanges wait: the send buffer is full."""
        self.writable = self.loop.create_future()

    def resume_writing(self) -> None:
        """Let the exchanges continue."""
        if self.writable is not None:
            self.writable.set_result(None)
            self.writable = None

    async def drain(self) -> None:
        """Wait until the client has read most of the written data."""
        if self.writable is not None:
            await asyncio.shield(self.writable)

    def write(self, *pieces: bytes) -> None:
        """Send bytes; afterwards `writable` is set if the send buffer is full."""
        self._written += sum(map(len, pieces))
        if len(pieces) > 1:
            self.transport.writelines(pieces)
        else:
            self.transport.write(pieces[0])

    # --- the parser --------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start a new request."""
        self._url, self._headers = b"", []
        self._in_head, self._head_size = True, 0

    def on_url(self, url: bytes) -> None:
        """Add a piece of the URL."""
        self._url += url
        if len(self._url) > URL_LIMIT:
            self._rejection_status = 414
            raise ValueError("the URL is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header."""
        if self._in_head:  # otherwise it is a trailer of a chunked body
            self._headers.append((name.lower(), value))
            if len(self._headers) > HEADERS_LIMIT:
                self._rejection_status = 431
                raise ValueError("there are too many headers")

    def on_headers_complete(self) -> None:
        """Queue the request; start its exchange if no other is queued."""
        self._in_head = False
        self._waits_since = self.loop.time()
        exchange = Exchange(self, self._scope(), kept=self._parser.should_keep_alive())
        self._arriving = exchange
        self._under_way.append(exchange)
        if len(self._under_way) == 1:
            exchange.start()
        else:
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body to its exchange."""
        if self._arriving is not None:
            self._arriving.add_body(body)

    def on_message_complete(self) -> None:
        """Report the end of the body to its exchange."""
        if self._arriving is not None:
            self._arriving.end_body()
            self._arriving = None

    def _scope(self) -> Message:
        url = self._url
        if not url.startswith(b"/"):  # an absolute URL, as for a proxy
            parsed = httptools.parse_url(url)
            url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
        raw_path, _, query = url.partition(b"?")
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self._parser.get_http_version(),
            "method": self._parser.get_method().decode("ascii"),
            "scheme": "http",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
            **self._addresses,
        }

    # --- the exchanges -----------------------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Pause reading from the client."""
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless requests are queued."""
        if self._reading or len(self._under_way) > 1 or self.transport.is_closing():
            return
        if not self._held:
            self._reading = True
            self._waits_since = self.loop.time()
            self.transport.resume_reading()
        elif not self._resumes:
            self._resumes = True
            self.loop.call_soon(self._feed_held)

    def response_sent(self, exchange: Exchange) -> None:
        """Continue with the next request, or close the connection if this response was its last."""
        self.server.total_requests += 1
        self._under_way.popleft()
        if not exchange.kept:
            self._close()
        elif self._under_way:
            self._under_way[0].start()
        else:
            self._waits_since = self.loop.time()
        self.resume_reading()

    def _close(self) -> None:
        """Close the connection; a client that still sends can read its response first, and its data is discarded."""
        if self._arriving is None:
            self.transport.close()
        else:
            self._no_more_requests = True
            self._lingering.add(self)
            self.transport.write_eof()
            self._timer.cancel()
            self._timer = self.loop.call_later(LINGER, self.transport.abort)

    def _drop(self, size: int) -> None:
        """Pause reading until the connection's share of `DROPPED_PER_SECOND` covers the discarded bytes."""
        self.transport.pause_reading()
        self.loop.call_later(size * len(self._lingering) / DROPPED_PER_SECOND, self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _close_after_queued(self) -> None:
        """Ignore all further data, and close the connection after the queued exchanges."""
        self._no_more_requests = True
        if self._under_way:
            self._under_way[-1].kept = False
        else:
            self.transport.close()

    def _reject(self, status: int) -> None:
        """Send an error status for an invalid request, after the responses to the requests before it."""
        log.warning("Rejected an invalid HTTP request with status %d.", status)
        broken, self._arriving = self._arriving, None
        if broken is not None and broken in self._under_way:
            self._under_way.remove(broken)
            broken.end()
        if not self._under_way and (broken is None or not broken.begun):
            line = _STATUS_LINES[status]
            self.write(line + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self._close_after_queued()

    def _end_if_idle(self) -> None:
        """Close the connection if its client has sent no complete head, or no more of its body, for too long.

        Abort it if the client has read nothing of its response since the timer last ran.
        """
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            before, self._taken = self._taken, self._written - unsent
            if self._taken == before:
                self.transport.abort()  # close() would wait until the rest is sent
                return
            self._waits_since = self.loop.time()
        waits = self._reading and (self._arriving is not None or not self._under_way)
        left = self._waits_since + self._idle_seconds - self.loop.time() if waits else self._idle_seconds
        if left <= 0:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(left, self._end_if_idle)

    def shutdown(self) -> None:
        """Close the connection as soon as no exchange is running; uvicorn calls this at its shutdown."""
        if self._under_way:
            self._under_way[0].kept = False
        else:
            self.transport.close()


class Exchange:
    """A request and its response: implements the ASGI application's `receive` and `send`."""

    def __init__(self, connection: HttpConnection, scope: Message, *, kept: bool) -> None:
        self._connection = connection
        self._scope = scope
        self.kept = kept
        """True if the connection stays open after the response."""
        self.begun = False
        """True if a part of the response has been sent."""
        self._ended = False
        self._body: list[bytes] = []
        self._body_size = 0
        self._more_body = True
        self._received = False
        self._continue_sent = False
        self._waiting: asyncio.Future[None] | None = None
        self._head: bytes | None = None
        self._left: int | None = None
        """Number of bytes of the response body still to be sent; None for a chunked response."""

    def start(self) -> None:
        """Start the application's task."""
        self._task = self._connection.loop.create_task(self._run())
        self._connection.server.tasks.add(self._task)

    async def _run(self) -> None:
        try:
            await self._connection.app(self._scope, self.receive, self.send)
        except Exception as error:
            if self._ended and isinstance(error, ConnectionAbortedError):
                return
            log.exception("%s %s failed", self._scope["method"], self._scope["path"])
        finally:
            self._connection.server.tasks.discard(self._task)
        if self._ended:
            return
        if self.begun or self._head is not None:
            self._connection.transport.abort()  # signals to the client that the response is incomplete
        else:
            self.kept = False
            await self.send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await self.send({"type": "http.response.body"})

    # --- the request -------------------------------------------------------------------------------------------------

    def add_body(self, chunk: bytes) -> None:
        """Buffer a piece of the body; discard it if the response is complete."""
        if self._ended:
            return
        self._body.append(chunk)
        self._body_size += len(chunk)
        if self._body_size > READ_AHEAD:
            self._connection.pause_reading()
        self._notify()

    def end_body(self) -> None:
        """Record that the body is complete."""
        self._more_body = False
        self._notify()

    def end(self) -> None:
        """Record that nothing more can be received or sent."""
        self._ended = True
        self._notify()

    def _notify(self) -> None:
        self._received = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def receive(self) -> Message:
        """Return the next piece of the body, or a disconnect message after a disconnect or the complete response."""
        if not self._received and not self._ended:
            self._send_continue()
            self._waiting = self._connection.loop.create_future()
            await self._waiting
        if self._ended:
            return {"type": "http.disconnect"}
        self._received = False
        body = b"".join(self._body)
        self._body.clear()
        self._body_size = 0
        self._connection.resume_reading()
        return {"type": "http.request", "body": body, "more_body": self._more_body}

    def _send_continue(self) -> None:
        """Send 100 Continue to a client that waits for it before it sends its body."""
        if self._more_body and not self._continue_sent and not self.begun:
            self._continue_sent = True
            if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self._scope["headers"]):
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # --- the response ------------------------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Send the response's head together with the first piece of its body, or a further piece.

        Returns when the client has read most of it, so that the application does not produce the next piece earlier;
        the last piece does not wait. Raises `ConnectionAbortedError` for any piece but the last if the client has
        disconnected, because no further pieces are needed.
        """
        await self._connection.drain()
        if self._ended:
            if message.get("more_body"):
                raise ConnectionAbortedError("the client has disconnected")
            return
        if message["type"] == "http.response.start":
            self._head = self._head_of(message["status"], message.get("headers", []))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        framed = self._framed(body, more)
        head, self._head = self._head or b"", None
        self.begun = True
        if len(framed) > JOINED and head:
            self._connection.write(head, framed)
        elif head or framed:
            self._connection.write(head + framed)
        if more:
            await self._connection.drain()
        else:
            self.end()
            self._connection.response_sent(self)

    def _head_of(self, status: int, headers: Headers) -> bytes:
        """Return the response's head as bytes; raises `ValueError` for a header with a control character."""
        if _CONTROL.search(b"".join([part for header in headers for part in header])):
            raise ValueError("a response header contains a control character")
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status]
        lines += [b"%b: %b" % header for header in self._connection.server.default_headers]
        lines += [b"%b: %b" % header for header in headers]
        # The client may still send the body. If it waited for 100 Continue, it may send its next request instead.
        if self._more_body:
            self.kept = False
        named = {name.lower(): value for name, value in headers}
        bodyless = self._scope["method"] == "HEAD" or status in (204, 304)
        if bodyless or b"content-length" in named:
            self._left = 0 if bodyless else int(named[b"content-length"])
        elif self._scope["http_version"] == "1.1":
            lines.append(b"transfer-encoding: chunked")
        else:
            self.kept = False
        if named.get(b"connection", b"").lower() == b"close":
            self.kept = False
        elif not self.kept:
            lines.append(b"connection: close")
        lines.append(b"\r\n")
        return b"\r\n".join(lines)

    def _framed(self, body: bytes, more: bool) -> bytes:
        """Return a piece of the body as it is sent; raises `ValueError` if its length is not the announced one."""
        if self._scope["method"] == "HEAD":
            return b""
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise ValueError("the response body's length differs from Content-Length")
            return body
        if self._scope["http_version"] != "1.1":
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk if more else chunk + b"0\r\n\r\n"


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int] | None:
    address = transport.get_extra_info(name)
    return (address[0], address[1]) if isinstance(address, tuple) else None
