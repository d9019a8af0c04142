"""The HTTP client that calls model servers, against servers that behave well or badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from scones.cloud.services.sagemaker.hosting import container_client
from scones.cloud.services.sagemaker.hosting.container_client import (
    ContainerClient,
    ResponseTooLargeError,
    ServerTimeoutError,
    ServerUnavailableError,
)

Script = Callable[["Container", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Container:
    """A server that runs a script on each connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.connections = 0
        self.requests: list[bytes] = []

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request and return its body."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return await reader.readexactly(int(length.split(b":")[1]))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._script(self, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running(script: Script) -> AsyncIterator[tuple[Container, ContainerClient]]:
    container = Container(script)
    server = await asyncio.start_server(container.serve, "127.0.0.1", 0)
    client = ContainerClient(server.sockets[0].getsockname()[1])
    try:
        yield container, client
    finally:
        client.close()
        server.close()


async def echo(container, reader, writer):
    while True:
        body = await container.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def once(answer: bytes) -> Script:
    """Return a script that answers the first request of a connection and then closes it."""

    async def script(container, reader, writer):
        await container.read(reader)
        writer.write(answer)
        await writer.drain()

    return script


async def test_a_connection_stays_open_between_requests():
    async with running(echo) as (container, client):
        for body in (b"one", b"", b"x" * 3_000_000):
            answer = await client.request("POST", "/invocations", 10, {"Content-Type": "text/csv"}, body)
            assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/plain", body)
        assert container.connections == 1
        assert b"POST /invocations HTTP/1.1" in container.requests[0]
        assert b"Content-Type: text/csv" in container.requests[0]


async def test_each_request_of_a_connection_has_its_own_deadline():
    async def slow(container, reader, writer):
        while body := await container.read(reader):
            await asyncio.sleep(float(body))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with running(slow) as (container, client):
        for seconds, body in ((0.3, b"0"), (0.9, b"0.5"), (60, b"0"), (60, b"0")):  # the first deadline passes
            assert (await client.request("POST", "/", seconds, body=body)).status == 200
        begun = asyncio.get_running_loop().time()
        with pytest.raises(ServerTimeoutError):
            await client.request("POST", "/", 0.2, body=b"30")
        assert 0.15 < asyncio.get_running_loop().time() - begun < 5
        assert container.connections == 1


async def test_concurrent_requests_have_separate_connections():
    async with running(echo) as (container, client):
        bodies = [str(number).encode() for number in range(20)]
        answers = await asyncio.gather(*(client.request("POST", "/", 10, body=body) for body in bodies))
        assert [answer.body for answer in answers] == bodies
        assert container.connections == 20


async def test_a_connection_that_was_idle_for_too_long_is_not_reused(monkeypatch):
    monkeypatch.setattr(container_client, "IDLE_SECONDS", 0.05)
    async with running(echo) as (container, client):
        for _ in range(2):
            await client.request("GET", "/ping", 10)
            await asyncio.sleep(0.1)
        assert container.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde",
    ],
)
async def test_every_form_of_body_is_read_completely(answer):
    async with running(once(answer)) as (container, client):
        for count in (1, 2):
            assert (await client.request("POST", "/invocations", 10)).body == b"abcde"
            assert container.connections == count


async def test_a_connection_that_the_server_has_closed_is_replaced():
    async def closes_at_the_second(container, reader, writer):
        await container.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await container.read(reader)

    async with running(closes_at_the_second) as (container, client):
        for count in (1, 2, 3):
            assert (await client.request("GET", "/ping", 10)).body == b"ok"
            assert container.connections == count


async def test_a_server_that_always_disconnects_counts_as_gone():
    async with running(once(b"")) as (container, client):
        with pytest.raises(ServerUnavailableError):
            await client.request("POST", "/invocations", 10)
        assert container.connections == 2


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"HTTP/1.1 20", b"SSH-2.0\r\n\r\n"]
)
async def test_a_request_whose_response_broke_off_is_not_repeated(answer):
    async with running(once(answer)) as (container, client):
        with pytest.raises(ServerUnavailableError):
            await client.request("POST", "/invocations", 10)
        assert container.connections == 1


async def test_a_refused_connection_means_that_the_server_is_gone():
    async with running(echo) as (_, client):
        pass
    with pytest.raises(ServerUnavailableError):
        await client.request("GET", "/ping", 10)


async def test_a_late_response_is_dropped_and_does_not_reach_another_request():
    async def late_at_first(container, reader, writer):
        body = await container.read(reader)
        await asyncio.sleep(0.2 if container.connections == 1 else 0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with running(late_at_first) as (container, client):
        with pytest.raises(ServerTimeoutError):
            await client.request("POST", "/invocations", 0.05, body=b"first")
        assert (await client.request("POST", "/invocations", 10, body=b"second")).body == b"second"
        assert container.connections == 2


async def test_a_cancelled_request_leaves_no_connection_behind():
    async with running(echo) as (container, client):
        await client.request("GET", "/ping", 10)
        asking = asyncio.create_task(client.request("POST", "/", 10, body=b"cancelled"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        assert (await client.request("POST", "/", 10, body=b"next")).body == b"next"
        assert container.connections == 2


async def test_a_header_cannot_end_its_line():
    async with running(echo) as (container, client):
        await client.request("POST", "/", 10, {"X-Amzn-SageMaker-Custom-Attributes": "a\r\nContent-Length: 5\r\n\r\n"})
        assert b"X-Amzn-SageMaker-Custom-Attributes: aContent-Length: 5\r\n" in container.requests[0]


async def test_the_size_of_a_response_is_limited():
    async def endless(container, reader, writer):
        await container.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()

    async def headers(container, reader, writer):
        await container.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"a" * 1000 + b"\r\n")
            await writer.drain()

    for script, error in ((endless, ResponseTooLargeError), (headers, ServerUnavailableError)):
        async with running(script) as (_, client):
            with pytest.raises(error):
                await client.request("POST", "/invocations", 30, limit=1 << 20)


async def test_the_servers_token_goes_with_every_request():
    container = Container(echo)
    server = await asyncio.start_server(container.serve, "127.0.0.1", 0)
    client = ContainerClient(server.sockets[0].getsockname()[1], "secret")
    await client.request("GET", "/ping", 5)
    assert b"\r\nx-scones-token: secret\r\n" in container.requests[0]
    client.close()
    server.close()
