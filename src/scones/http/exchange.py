"""A request and its response: the `receive` and `send` of an ASGI application."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

from uvicorn.server import ServerState

from scones.http.asgi import Headers, Message

log = logging.getLogger(__name__)

READ_AHEAD = 64 << 10
"""Bytes of a body that may wait for the application; reading pauses if there are more."""
MAX_JOINED_BODY = 64 << 10
"""Maximum size in bytes of a body that is copied to the end of the head; a larger one is written separately."""
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class ExchangeConnection(Protocol):
    """The methods of its connection that an exchange uses."""

    app: Callable[..., Awaitable[None]]
    loop: asyncio.AbstractEventLoop
    server: ServerState
    transport: asyncio.Transport

    def write(self, *pieces: bytes) -> None:
        """Send bytes."""

    async def drain(self) -> None:
        """Wait until the client has read most of the written data."""

    def pause_reading(self) -> None:
        """Pause reading from the client."""

    def resume_reading(self) -> None:
        """Resume reading from the client."""

    def response_sent(self, exchange: Exchange) -> None:
        """Continue after the complete response of an exchange."""


class Exchange:
    """A request and its response: implements the ASGI application's `receive` and `send`."""

    def __init__(self, connection: ExchangeConnection, scope: Message, *, kept: bool) -> None:
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
        if len(framed) > MAX_JOINED_BODY and head:
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
        lines = [STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status]
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
