"""The HTTP/1.1 connection of the gateway and the model servers, with well-behaved and misbehaving clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from scones.http import connection as http_connection
from scones.http import exchange as http_exchange
from scones.http.connection import HttpConnection

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Client:
    """A client connection that sends bytes unchanged."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes, pause: float = 0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def head(self) -> bytes:
        return await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 5)

    async def answer(self) -> bytes:
        """Return the body of a response that has a Content-Length."""
        head = await self.head()
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
        return await asyncio.wait_for(self._reader.readexactly(int(length.split()[1])), 5)

    async def some(self) -> bytes:
        return await asyncio.wait_for(self._reader.read(1 << 20), 5)

    async def rest(self) -> bytes:
        """Return everything until the server ends the connection."""
        return await asyncio.wait_for(self._reader.read(), 5)


@asynccontextmanager
async def serving(app: App, idle: int = 75) -> AsyncIterator[tuple[Callable[[], Awaitable[Client]], ServerState]]:
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_keep_alive=idle)
    config.load()
    state, clients = ServerState(), []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpConnection(config, state, {}), "127.0.0.1", 0)

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection(*server.sockets[0].getsockname())))
        return clients[-1]

    try:
        yield connect, state
    finally:
        for client in clients:
            client.writer.close()
            with contextlib.suppress(ConnectionError):
                await client.writer.wait_closed()
        server.close()
        for connection in state.connections:
            connection.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # the event loop closes the aborted connections


async def body_of(receive) -> bytes:
    """Return the request's body; raises `ConnectionError` if the client disconnects before its end."""
    whole, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        whole += message["body"]
        more = message["more_body"]
    return bytes(whole)


async def answer(send, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def echo(scope, receive, send):
    """Respond with the method, the path with its query, and the body of the request."""
    asked = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}|".encode()
    await answer(send, asked + await body_of(receive))


async def test_requests_in_one_piece_and_in_many_are_answered_on_one_connection():
    async with serving(echo) as (connect, _):
        client = await connect()
        await client.send(b"POST /a%20b?c=d HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
        assert await client.answer() == b"POST /a b?c=d|body"
        for letter in b"PUT http://some.where/e?f HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            await client.send(bytes([letter]))
            await asyncio.sleep(0)
        assert await client.answer() == b"PUT /e?f|abc"


async def test_requests_that_do_not_wait_are_answered_in_their_order():
    async def slower_first(scope, receive, send):
        await body_of(receive)
        await asyncio.sleep(0.1 if scope["path"] == "/0" else 0)
        await answer(send, scope["path"].encode())

    async with serving(slower_first) as (connect, _):
        client = await connect()
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(5)))
        assert [await client.answer() for _ in range(5)] == [b"/0", b"/1", b"/2", b"/3", b"/4"]


async def test_a_trailer_is_not_a_header():
    async def names(scope, receive, send):
        await body_of(receive)
        await answer(send, b",".join(name for name, _ in scope["headers"]))

    async with serving(names) as (connect, _):
        client = await connect()
        head = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        await client.send(head, b"1\r\na\r\n", b"0\r\nX-Late: yes\r\n\r\n")
        assert await client.answer() == b"transfer-encoding"


async def test_trailers_without_end_are_rejected():
    async def reads(scope, receive, send):
        await body_of(receive)
        await answer(send, b"complete")

    async with serving(reads) as (connect, state):
        client = await connect()
        await client.send(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", b"0\r\nX-Late: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                await client.send(b"a" * 8192)
        with contextlib.suppress(ConnectionError):
            assert b"complete" not in await client.rest()
        assert not state.connections


async def test_100_continue_is_sent_only_when_the_body_is_read():
    async def choosy(scope, receive, send):
        await answer(send, await body_of(receive) if scope["path"] == "/read" else b"no")

    async with serving(choosy) as (connect, _):
        client = await connect()
        head = b"PUT %b HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        await client.send(head % b"/read")
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"bo")
        await asyncio.sleep(0.02)
        await client.send(b"dy")
        assert await client.answer() == b"body"
        await client.send(head % b"/refuse")
        assert b"connection: close" in (refusal := await client.rest())  # the client may or may not send the body
        assert refusal.startswith(b"HTTP/1.1 200 ")
        assert refusal.endswith(b"no")


@pytest.mark.parametrize(
    ("sent", "reported"),
    [
        (b"\x16\x03\x01 no HTTP\r\n\r\n", [400]),
        (b"GET /\x01 HTTP/1.1\r\n\r\n", [400]),
        (b"CONNECT nowhere:80 HTTP/1.1\r\n\r\n", [400]),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", [400]),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n", [400]),
        (b"GET / HTTP/1.1\r\n\r\nno request\r\n\r\n", [200]),
        (b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nno HTTP", [200]),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n", [200]),
    ],
)
async def test_an_invalid_request_closes_the_connection_after_earlier_responses(sent, reported):
    async with serving(echo) as (connect, state):
        client = await connect()
        await client.send(sent)
        answers = await client.rest()
        assert [int(each[:3]) for each in answers.split(b"HTTP/1.1 ")[1:]] == reported
        assert b"connection: close" in answers
        assert not state.tasks


async def test_a_request_head_without_end_is_rejected():
    async with serving(echo) as (connect, _):
        client = await connect()
        await client.send(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for number in range(5_000):
                await client.send(b"x-%d: %b\r\n" % (number, b"a" * 640))
        with contextlib.suppress(ConnectionError):
            assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_a_silent_client_has_limited_time_but_the_application_does_not():
    async def slow(_, receive, send):
        await body_of(receive)
        await asyncio.sleep(1.6)
        await answer(send, b"late")

    async with serving(slow, idle=1) as (connect, _):
        patient, silent, dripping, stalled = [await connect() for _ in range(4)]
        await patient.send(b"GET / HTTP/1.1\r\n\r\n")
        await stalled.send(b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
        await dripping.send(b"GET / HT")
        await asyncio.sleep(0.6)
        await dripping.send(b"TP/1.1\r\n")
        assert await silent.rest() == await dripping.rest() == b""
        assert await patient.answer() == b"late"
        assert await patient.rest() == await stalled.rest() == b""


async def test_a_body_that_the_application_does_not_read_is_not_received():
    reading = asyncio.Event()

    async def reluctant(_, receive, send):
        await reading.wait()
        await answer(send, str(len(await body_of(receive))).encode())

    size = 48 << 20
    async with serving(reluctant) as (connect, _):
        client = await connect()
        await client.send(b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
        client.writer.write(bytes(size))
        await asyncio.sleep(0.3)
        assert client.writer.transport.get_write_buffer_size() > size - (24 << 20)  # the system buffers the rest
        reading.set()
        assert await client.answer() == str(size).encode()


async def test_a_client_rejected_early_gets_the_response_while_it_is_still_sending():
    async def refusing(_, __, send):
        await answer(send, b"no")

    async with serving(refusing) as (connect, _):
        client = await connect()
        await client.send(b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (32 << 20))
        await asyncio.sleep(0.05)
        await client.send(bytes(32 << 20))
        assert (await client.rest()).endswith(b"no")


async def test_a_client_that_never_stops_sending_is_disconnected(monkeypatch):
    monkeypatch.setattr(http_connection, "LINGER", 0.2)

    async def refusing(_, __, send):
        await answer(send, b"no")

    async with serving(refusing) as (connect, _):
        client = await connect()
        await client.send(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            await client.send(*[b"5\r\nagain\r\n"] * 100, pause=0.02)


async def test_responses_without_a_length_are_chunked_or_end_with_their_connection():
    async def in_pieces(scope, receive, send):
        await body_of(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"", b"three"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    async with serving(in_pieces) as (connect, _):
        client = await connect()
        await client.send(b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b"content-length" not in await client.head()
        assert b"transfer-encoding: chunked" in await client.head()
        assert await client.rest() == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
        old = await connect()
        await old.send(b"GET / HTTP/1.0\r\n\r\n")
        assert b"transfer-encoding" not in await old.head()
        assert await old.rest() == b"onethree"


@pytest.mark.parametrize("what", ["raise", "inject", "long", "short", "stop"])
async def test_an_application_failure_gives_a_500_or_closes_the_connection(what):
    async def failing(_, receive, send):
        await body_of(receive)
        if what == "raise":
            raise RuntimeError("it failed")
        forged = [(b"x", b"1\r\nforged: yes")] if what == "inject" else []
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4"), *forged]})
        if what != "stop":
            await send({"type": "http.response.body", "body": b"longer" if what == "long" else b"abc"})

    async with serving(failing) as (connect, _):
        client = await connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        try:
            seen = await client.rest()
        except ConnectionError:
            seen = b""
        assert seen.startswith(b"HTTP/1.1 500 ") if what in ("raise", "inject") else seen == b""
        assert b"forged" not in seen


async def test_an_application_receives_its_clients_disconnect():
    reported = asyncio.Event()

    async def waiting(_, receive, __):
        with contextlib.suppress(ConnectionError):
            await body_of(receive)
        assert (await receive())["type"] == "http.disconnect"
        reported.set()

    async with serving(waiting) as (connect, _):
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"):
            client = await connect()
            await client.send(sent)
            await asyncio.sleep(0.05)
            client.writer.close()
            await asyncio.wait_for(reported.wait(), 5)
            reported.clear()


async def test_a_stopping_server_completes_running_requests():
    async def slow(_, receive, send):
        await body_of(receive)
        await asyncio.sleep(0.2)
        await answer(send, b"whole")

    async with serving(slow) as (connect, state):
        busy, idle = await connect(), await connect()
        await busy.send(b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.05)
        for connection in list(state.connections):
            connection.shutdown()
        assert await idle.rest() == b""
        assert b"connection: close" in (whole := await busy.rest())
        assert whole.endswith(b"whole")


async def test_a_response_waits_for_a_client_that_reads_slowly():
    sent = 0

    async def much(_, receive, send):
        nonlocal sent
        await body_of(receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % (64 << 20))]})
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
            sent += 1
        await send({"type": "http.response.body"})

    async with serving(much) as (connect, _):
        client = await connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.3)
        assert sent < 32
        assert len(await client.answer()) == 64 << 20
    assert http_exchange.MAX_JOINED_BODY < 1 << 20  # pieces of 1 MiB are written without a copy


async def endless(_, receive, send):
    """Send pieces of 1 MiB until sending fails."""
    await body_of(receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000):
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
    raise AssertionError("sending did not fail")


@pytest.mark.parametrize("reader", ["reads", "does not read"])
async def test_a_client_that_does_not_read_its_response_is_disconnected(reader):
    async with serving(endless, idle=1) as (connect, state):
        client = await connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        end = asyncio.get_running_loop().time() + (4 if reader == "reads" else 10)
        while state.connections and asyncio.get_running_loop().time() < end:
            if reader == "reads":
                await client.some()
            await asyncio.sleep(0.1)
        assert bool(state.connections) == bool(state.tasks) == (reader == "reads")


async def test_a_response_ends_when_its_client_disconnects(caplog):
    async with serving(endless) as (connect, state):
        client = await connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        await client.head()
        client.writer.transport.abort()
        await asyncio.wait_for(asyncio.gather(*state.tasks), 10)
    assert not caplog.records


async def test_thousands_of_pipelined_requests_are_answered_in_order(monkeypatch):
    most = 0

    async def app(scope, receive, send):
        nonlocal most
        most = max(most, len(next(iter(state.connections))._under_way))
        await answer(send, scope["path"].encode())

    async with serving(app) as (connect, state):
        client = await connect()
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(10_000)))
        for number in range(10_000):
            assert await client.answer() == b"/%d" % number
    assert most < 2000


async def test_a_body_after_pipelined_requests_is_complete():
    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await answer(send, body)

    small, large = b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 1024
    async with serving(app) as (connect, _):
        client = await connect()
        await client.send(small * 2000 + b"PUT / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(large) + large + small)
        for _ in range(2000):
            assert await client.answer() == b""
        assert await client.answer() == large
        assert await client.answer() == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * (17 << 10) + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1001 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\na: " + b"b" * (100 << 10) + b"\r\n\r\n", b"431"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", b"400"),
    ],
)
async def test_the_head_of_a_request_is_limited(request_, status):
    async def app(scope, receive, send):
        await answer(send, b"answered")

    async with serving(app) as (connect, _):
        client = await connect()
        await client.send(request_)
        assert (await client.head()).startswith(b"HTTP/1.1 " + status)


async def test_the_connection_that_was_idle_longest_makes_room(monkeypatch):
    monkeypatch.setattr(http_connection, "MAX_CONNECTIONS", 3)

    async def app(scope, receive, send):
        await answer(send, b"answered")

    async with serving(app) as (connect, state):
        first, *_ = [await connect() for _ in range(3)]
        await first.send(b"GET / HTTP/1.1\r\n\r\n")
        assert await first.answer() == b"answered"
        clients = [await connect() for _ in range(50)]
        await clients[-1].send(b"GET / HTTP/1.1\r\n\r\n")
        assert await clients[-1].answer() == b"answered"
        assert await first.rest() == b""
        assert len(state.connections) <= 3
