"""An HTTP client for one container: one request at a time per connection, and connections that stay open.

Every invocation passes through this client. With a general HTTP client, the hop to the container took more processor
time than the container's own HTTP server.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple, cast

import httptools

from scones.http import server_token

IDLE_SECONDS = 4.0
"""Maximum seconds that a reused connection may have been idle; many servers close idle ones after 5 s."""
HEAD_LIMIT = 64 << 10
"""Maximum bytes of a response's headers."""
RESPONSE_LIMIT = 100 << 20
"""Maximum bytes of a response's body: the largest payload of a transform job."""
SMALL_BODY = 64 << 10
"""Bytes below which a body is sent with its head in one write."""


class ServerUnavailableError(Exception):
    """The server does not run, or ended before it answered."""


class ResponseTooLargeError(Exception):
    """The body of the response is larger than allowed; the rest of it is not read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The response is larger than {limit} bytes.")


class ServerTimeoutError(Exception):
    """The server did not answer in time."""


class ContainerResponse(NamedTuple):
    """A container's response; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ContainerClient:
    """The connections to a server on a loopback port; `token` is the secret that the server was started with."""

    def __init__(self, port: int, token: str = "") -> None:
        self._port = port
        self._token = token
        self._idle: deque[_Connection] = deque()
        """Idle connections, the last used at the end."""

    async def request(
        self,
        method: str,
        path: str,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit: int = RESPONSE_LIMIT,
    ) -> ContainerResponse:
        """Send a request and return the response, whatever its status.

        Raises `ServerUnavailableError`, `ServerTimeoutError` after `seconds`, or `ResponseTooLargeError` for a body of
        more than `limit` bytes. The request is sent a second time if its connection ends before the response begins:
        the server may just have closed an idle connection, or a worker may have died.
        """
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", f"Content-Length: {len(body)}"]
        if self._token:
            lines.append(f"{server_token.HEADER.decode()}: {self._token}")
        lines += [f"{name}: {_printable(value)}" for name, value in (headers or {}).items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            try:
                connection = self._idle_connection() or await self._connect(deadline)
                return await self._exchange(connection, deadline, head, body, limit)
            except _NoResponseError:
                return await self._exchange(await self._connect(deadline), deadline, head, body, limit)
        except TimeoutError as error:
            raise ServerTimeoutError from error
        except (_NoResponseError, OSError) as error:
            raise ServerUnavailableError from error

    async def _exchange(
        self, connection: _Connection, deadline: float, head: bytes, body: bytes, limit: int
    ) -> ContainerResponse:
        try:
            response = await connection.send(deadline, head, body, limit)
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            self._idle.append(connection)
        else:
            connection.close()
        while self._idle and connection.idle_since - self._idle[0].idle_since > IDLE_SECONDS:
            self._idle.popleft().close()
        return response

    def _idle_connection(self) -> _Connection | None:
        now = time.monotonic()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self, deadline: float) -> _Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(deadline):
            _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()


class _NoResponseError(Exception):
    """The connection ended before a response began."""


class _Connection(asyncio.Protocol):
    """A connection for one request at a time; `send` may be called again after it has returned, if `usable` is true."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._response: asyncio.Future[ContainerResponse] | None = None
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._begun = self._headed = False
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._head_size = self._body_size = 0
        self._limit = RESPONSE_LIMIT
        self.usable = True
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's transport has the same methods, but another class

    async def send(self, deadline: float, head: bytes, body: bytes, limit: int) -> ContainerResponse:
        """Send a request and return its response; `deadline` is in the loop's time.

        Raises `_NoResponseError`, `TimeoutError`, `ResponseTooLargeError`, or `OSError` for a broken response.
        """
        assert self._transport is not None
        self._limit = limit
        self._begun = False
        self._response = self._loop.create_future()
        self._set_deadline(deadline)
        if len(body) < SMALL_BODY:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        return await self._response

    def _set_deadline(self, deadline: float) -> None:
        """Fail the current request at its deadline.

        One timer serves many requests: when it fires, it checks the deadline of the current request.
        """
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        if self._response is None or self._response.done():
            return
        if self._loop.time() >= self._deadline:
            self._fail(TimeoutError())
        else:
            self._set_deadline(self._deadline)

    def data_received(self, data: bytes) -> None:
        self._begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(OSError(f"the container's response is not valid HTTP: {error}"))

    def on_message_begin(self) -> None:
        self._headers, self._body, self._headed = {}, [], False
        self._head_size = self._body_size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_LIMIT:
            self._fail(OSError(f"the head of the container's response is larger than {HEAD_LIMIT} bytes"))
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > self._limit:
            self._fail(ResponseTooLargeError(self._limit))
            self._body.clear()
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # an unexpected "100 Continue": the final response follows
            return
        self.usable = self._parser.should_keep_alive()
        self._complete(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        if exc is None and self._headed and not framed:  # the end of the connection ends the body
            self._complete(self._parser.get_status_code())
        elif self._begun:
            self._fail(OSError("the container closed the connection in the middle of a response"))
        else:
            self._fail(_NoResponseError())

    def _complete(self, status: int) -> None:
        if self._response is None or self._response.done():  # a response without a request
            self.close()
            return
        self.idle_since = time.monotonic()
        self._response.set_result(ContainerResponse(status, self._headers, b"".join(self._body)))

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._response is not None and not self._response.done():
            self._response.set_exception(error)

    def close(self) -> None:
        """Abort the connection."""
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()


def _printable(value: str) -> str:
    """Remove unprintable characters, such as line ends, from a header's value: a state machine may send any text."""
    return value if value.isprintable() else "".join(letter for letter in value if letter.isprintable())
