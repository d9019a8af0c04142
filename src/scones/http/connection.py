"""An HTTP/1.1 connection for a uvicorn server, optimized for responses that take well under a millisecond.

With uvicorn's own protocols, half of the processor time of such a response is spent on HTTP: head and body are written
separately, each in a packet that wakes the client, and each request creates events and timers. Here a response is
written in one piece, and futures are created only if something waits for them. The resources of a client are limited,
too: the size and duration of a request's head, and the data that follows an unanswered request.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

import uvicorn
from uvicorn.server import ServerState

from scones.http.asgi import Message
from scones.http.exchange import STATUS_LINES, Exchange
from scones.http.request_parser import RequestParser

log = logging.getLogger(__name__)

MAX_PARSED_BYTES = 16 << 10
"""Maximum number of bytes passed to the parser at once, by which a head may exceed its limit."""
SEND_BUFFER = 128 << 10
"""Size in bytes of the socket's send buffer, for clients that do not read; Linux doubles it."""
LINGER = 5.0
"""Seconds for which a client may continue to send after its response; the data is discarded."""
DROPPED_PER_SECOND = 32 << 20
"""Maximum number of discarded bytes read per second from all lingering clients together: reading costs time."""
MAX_CONNECTIONS = max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
"""Maximum number of connections of a server: half of its file descriptors; the rest remain for the data folder."""


class HttpConnection(asyncio.Protocol):
    """The protocol class for `uvicorn.Config(http=…)`; responds to requests in the order of their arrival."""

    _lingering: ClassVar[set[HttpConnection]] = set()
    """Connections that have their last response while their clients still send."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn passes it to every connection, with this type
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.app: Callable[..., Awaitable[None]] = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.server = server_state
        self._idle_seconds = config.timeout_keep_alive
        self._parser = RequestParser(self)
        self._under_way: deque[Exchange] = deque()
        """The current exchange, and those queued after it."""
        self._arriving: Exchange | None = None
        """The exchange whose body is being received."""
        self._no_more_requests = False
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
        self._parser.addresses = {"client": _address(transport, "peername"), "server": _address(transport, "sockname")}
        self.server.connections.add(self)  # type: ignore[arg-type]  # uvicorn's type lists only its own two classes
        if len(self.server.connections) > MAX_CONNECTIONS:
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
        elif len(data) <= MAX_PARSED_BYTES and len(self._under_way) < 2:
            self._parser.feed(data)
        else:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        """Pass data to the parser in slices; hold the rest back if several requests are queued.

        One read can contain thousands of requests of a few bytes each.
        """
        for begin in range(0, len(data), MAX_PARSED_BYTES):
            if len(self._under_way) > 1:
                self._held = data[begin:]
                return
            self._parser.feed(data[begin : begin + MAX_PARSED_BYTES])
            if self._no_more_requests:
                return

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

    def on_head(self, scope: Message, *, kept: bool) -> None:
        """Queue the request; start its exchange if no other is queued."""
        self._waits_since = self.loop.time()
        exchange = Exchange(self, scope, kept=kept)
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

    def close_after_queued(self) -> None:
        """Ignore all further data, and close the connection after the queued exchanges."""
        self._no_more_requests = True
        if self._under_way:
            self._under_way[-1].kept = False
        else:
            self.transport.close()

    def reject(self, status: int) -> None:
        """Send an error status for an invalid request, after the responses to the requests before it."""
        log.warning("Rejected an invalid HTTP request with status %d.", status)
        broken, self._arriving = self._arriving, None
        if broken is not None and broken in self._under_way:
            self._under_way.remove(broken)
            broken.end()
        if not self._under_way and (broken is None or not broken.begun):
            line = STATUS_LINES[status]
            self.write(line + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.close_after_queued()

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


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int] | None:
    address = transport.get_extra_info(name)
    return (address[0], address[1]) if isinstance(address, tuple) else None
