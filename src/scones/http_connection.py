"""An HTTP/1.1 connection of a uvicorn server, for answers that take well under a millisecond.

With uvicorn's own, half of what such an answer takes of the processor is HTTP: head and body are written apart, each a
packet that wakes the client, and every request makes events and timers. Here an answer leaves in one piece, and
nothing is made that is not waited for. What a client may hold is bounded, too: a request's head in size and in time,
and what follows an unanswered request.
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
"""Bytes that the parser is given at once, and up to which a head may exceed its limit."""
HEAD_LIMIT = 64 << 10
"""Bytes of a request's head: the request line and all headers."""
URL_LIMIT = 16 << 10
"""Bytes of a request's URL; a longer one is answered with 414."""
HEADERS_LIMIT = 1000
"""Headers of a request: S3's 2 KB of user metadata can be several hundred."""
READ_AHEAD = 64 << 10
"""Bytes of a body that wait for the application before no more are read."""
JOINED = 64 << 10
"""Bytes of a body up to which it is copied behind the head, and not handed over beside it."""
SEND_BUFFER = 128 << 10
"""Bytes of an answer that the system is to keep for a client that does not read; Linux takes twice as many."""
LINGER = 5.0
"""Seconds that a client may go on to send what nobody reads, behind its answer."""
DROPPED_PER_SECOND = 32 << 20
"""Bytes of what nobody reads that are taken in a second, from all such clients together: reading it costs time."""
CONNECTIONS = max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
"""Connections of a server: half of its file descriptors, so that clients cannot take those of the data folder."""
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class HttpConnection(asyncio.Protocol):
    """The protocol class for `uvicorn.Config(http=…)`; answers requests in the order in which they came."""

    _lingering: ClassVar[set[HttpConnection]] = set()
    """Connections that are answered, and whose clients still send."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn's way to make a connection
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.app: Callable[..., Awaitable[None]] = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.server = server_state
        self._idle_seconds = config.timeout_keep_alive
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # it is not looked at
        self._under_way: deque[Exchange] = deque()
        """The exchange whose turn it is, and those behind it."""
        self._arriving: Exchange | None = None
        """The exchange whose body is being read."""
        self._url = b""
        self._headers: Headers = []
        self._in_head = self._over = False
        self._head_size = 0
        self._refusal = 400
        """The status for what the parser, or a limit, refuses."""
        self._held = b""
        """Bytes received behind requests that are not answered yet; the parser gets them later."""
        self._resumes = False
        self._reading = True
        self._waits_since = self.loop.time()
        """Since when it is the client's turn, if it is."""
        self._timer = self.loop.call_later(self._idle_seconds, self._end_if_idle)
        self.writable: asyncio.Future[None] | None = None
        """Done when the client has taken most of what was written; None where it has."""
        self._written = 0
        """Bytes that were given to the transport."""
        self._taken = -1
        """Bytes of them that had left it when the timer last ran."""

    # --- the transport -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._addresses = {"client": _address(transport, "peername"), "server": _address(transport, "sockname")}
        self.server.connections.add(self)  # type: ignore[arg-type]  # uvicorn names its own two classes alone
        if len(self.server.connections) > CONNECTIONS:
            self._make_room()

    def _make_room(self) -> None:
        """Close the connection that has been idle longest; clients connect again when they need to."""
        connections = cast("set[HttpConnection]", self.server.connections)
        idle = [each for each in connections if not each._under_way and not each.transport.is_closing()]
        min(idle, key=lambda each: each._waits_since).transport.close()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and refuse what is no request."""
        if self._over:
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
        """Feed the parser in slices, and keep the rest where several requests came at once.

        One read can bring thousands of requests of a few bytes each.
        """
        for begin in range(0, len(data), SLICE):
            if len(self._under_way) > 1:
                self._held = data[begin:]
                return
            self._parse(data[begin : begin + SLICE])
            if self._over:
                return

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # there is nothing to upgrade to: the request is answered as it is
            self._let_be_last()
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        if self._in_head and not self._over:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                self._refuse(431)

    def _feed_held(self) -> None:
        self._resumes = False
        held, self._held = self._held, b""
        if not self._over and not self.transport.is_closing():
            self._feed(held)
        self.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell the exchanges under way."""
        self.server.connections.discard(self)
        self._lingering.discard(self)
        self._timer.cancel()
        for exchange in self._under_way:
            exchange.end()
        self._under_way.clear()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Let the exchanges wait: the client takes no more for now."""
        self.writable = self.loop.create_future()

    def resume_writing(self) -> None:
        """Let the exchanges go on."""
        if self.writable is not None:
            self.writable.set_result(None)
            self.writable = None

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written."""
        if self.writable is not None:
            await asyncio.shield(self.writable)

    def write(self, *pieces: bytes) -> None:
        """Send bytes; `writable` is set afterwards where the client does not take them."""
        self._written += sum(map(len, pieces))
        if len(pieces) > 1:
            self.transport.writelines(pieces)
        else:
            self.transport.write(pieces[0])

    # --- the parser --------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url, self._headers = b"", []
        self._in_head, self._head_size = True, 0

    def on_url(self, url: bytes) -> None:
        """Keep a piece of what is asked for."""
        self._url += url
        if len(self._url) > URL_LIMIT:
            self._refusal = 414
            raise ValueError("the URL is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        if self._in_head:  # else it is a trailer, of a body in chunks
            self._headers.append((name.lower(), value))
            if len(self._headers) > HEADERS_LIMIT:
                self._refusal = 431
                raise ValueError("there are too many headers")

    def on_headers_complete(self) -> None:
        """Have the request answered, when its turn comes."""
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
        """Hand over a piece of the body."""
        if self._arriving is not None:
            self._arriving.take(body)

    def on_message_complete(self) -> None:
        """Tell that the body is whole."""
        if self._arriving is not None:
            self._arriving.take_end()
            self._arriving = None

    def _scope(self) -> Message:
        url = self._url
        if not url.startswith(b"/"):  # a whole URL, as to a proxy
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
        """Take no more from the client for now."""
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading, unless there are requests that wait."""
        if self._reading or len(self._under_way) > 1 or self.transport.is_closing():
            return
        if not self._held:
            self._reading = True
            self._waits_since = self.loop.time()
            self.transport.resume_reading()
        elif not self._resumes:
            self._resumes = True
            self.loop.call_soon(self._feed_held)

    def answered(self, exchange: Exchange) -> None:
        """Go on to the next request, or end the connection where that was its last."""
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
        """End the connection, but let a client that still sends read its answer first: what it sends is dropped."""
        if self._arriving is None:
            self.transport.close()
        else:
            self._over = True
            self._lingering.add(self)
            self.transport.write_eof()
            self._timer.cancel()
            self._timer = self.loop.call_later(LINGER, self.transport.abort)

    def _drop(self, size: int) -> None:
        """Read nothing more for as long as the bytes that were dropped are this connection's share."""
        self.transport.pause_reading()
        self.loop.call_later(size * len(self._lingering) / DROPPED_PER_SECOND, self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _let_be_last(self) -> None:
        """Look at nothing more that comes, and end the connection after what is under way."""
        self._over = True
        if self._under_way:
            self._under_way[-1].kept = False
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        """Answer what is no request, after those that came before it."""
        log.warning("What is no request was refused with %d.", status)
        broken, self._arriving = self._arriving, None
        if broken is not None and broken in self._under_way:
            self._under_way.remove(broken)
            broken.end()
        if not self._under_way and (broken is None or not broken.begun):
            line = _STATUS_LINES[status]
            self.write(line + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self._let_be_last()

    def _end_if_idle(self) -> None:
        """Close a connection whose client has sent no whole head, or nothing more of its body, for too long.

        So is one whose client has taken nothing of its answer since the timer last ran.
        """
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            before, self._taken = self._taken, self._written - unsent
            if self._taken == before:
                self.transport.abort()  # closing would wait until the rest is sent
                return
            self._waits_since = self.loop.time()
        waits = self._reading and (self._arriving is not None or not self._under_way)
        left = self._waits_since + self._idle_seconds - self.loop.time() if waits else self._idle_seconds
        if left <= 0:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(left, self._end_if_idle)

    def shutdown(self) -> None:
        """End the connection as soon as nothing is under way; uvicorn calls it when the server ends."""
        if self._under_way:
            self._under_way[0].kept = False
        else:
            self.transport.close()


class Exchange:
    """One request and its answer: what the ASGI application receives and sends."""

    def __init__(self, connection: HttpConnection, scope: Message, *, kept: bool) -> None:
        self._connection = connection
        self._scope = scope
        self.kept = kept
        """Whether the connection stays open behind the answer."""
        self.begun = False
        """Whether some of the answer has been sent."""
        self._ended = False
        self._body: list[bytes] = []
        self._body_size = 0
        self._more_body = True
        self._news = False
        self._invited = False
        self._waiting: asyncio.Future[None] | None = None
        self._head: bytes | None = None
        self._left: int | None = None
        """Bytes of the answer's body that are still to come; None where it is sent in chunks."""

    def start(self) -> None:
        """Have the application answer."""
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
            self._connection.transport.abort()  # the client is to see that this was not the whole answer
        else:
            self.kept = False
            await self.send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await self.send({"type": "http.response.body"})

    # --- the request -------------------------------------------------------------------------------------------------

    def take(self, chunk: bytes) -> None:
        """Keep a piece of the body; of what is answered already, nothing is kept."""
        if self._ended:
            return
        self._body.append(chunk)
        self._body_size += len(chunk)
        if self._body_size > READ_AHEAD:
            self._connection.pause_reading()
        self._notify()

    def take_end(self) -> None:
        """Note that the body is whole."""
        self._more_body = False
        self._notify()

    def end(self) -> None:
        """Note that nothing more can be received or sent."""
        self._ended = True
        self._notify()

    def _notify(self) -> None:
        self._news = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def receive(self) -> Message:
        """Return the next piece of the body, or that the client has gone or been answered."""
        if not self._news and not self._ended:
            self._invite()
            self._waiting = self._connection.loop.create_future()
            await self._waiting
        if self._ended:
            return {"type": "http.disconnect"}
        self._news = False
        body = b"".join(self._body)
        self._body.clear()
        self._body_size = 0
        self._connection.resume_reading()
        return {"type": "http.request", "body": body, "more_body": self._more_body}

    def _invite(self) -> None:
        """Tell a client that waits for it to send its body."""
        if self._more_body and not self._invited and not self.begun:
            self._invited = True
            if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self._scope["headers"]):
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # --- the answer --------------------------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Send the answer's head, with the first piece of its body, or more of the body.

        Return when the client has taken most of it, so that the next piece is not made before; the last does not wait.
        Raise `ConnectionAbortedError` for a piece before the last if the client has gone: nobody needs those behind it.
        """
        await self._connection.drain()
        if self._ended:
            if message.get("more_body"):
                raise ConnectionAbortedError("the client has gone")
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
            self._connection.answered(self)

    def _head_of(self, status: int, headers: Headers) -> bytes:
        """Return the head; raises `ValueError` for a header that would end its line."""
        if _CONTROL.search(b"".join([part for header in headers for part in header])):
            raise ValueError("a header of the answer has a control character in it")
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status]
        lines += [b"%b: %b" % header for header in self._connection.server.default_headers]
        lines += [b"%b: %b" % header for header in headers]
        if self._more_body:  # the client sends it still; or not, if it waited to be asked, and begins its next request
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
        """Return a piece of the body as it is sent; raises `ValueError` where there is more or less than announced."""
        if self._scope["method"] == "HEAD":
            return b""
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise ValueError("the answer's body has another length than its head says")
            return body
        if self._scope["http_version"] != "1.1":
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk if more else chunk + b"0\r\n\r\n"


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int] | None:
    address = transport.get_extra_info(name)
    return (address[0], address[1]) if isinstance(address, tuple) else None
