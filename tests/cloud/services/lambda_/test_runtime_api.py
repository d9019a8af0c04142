"""The Runtime API of an execution environment: it serves only the client in that environment."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
from typing import Any

import pytest

from scones.cloud.process.sandbox import isolation
from scones.cloud.services.lambda_.runtime import runtime_api
from scones.cloud.services.lambda_.runtime.runtime_api import RESPONSE_LIMIT, Invocation, RuntimeApi, secret_host

NEXT = "/2018-06-01/runtime/invocation/next"
isolated = pytest.mark.skipif(isolation() is not None, reason="without namespaces the host is 127.0.0.1")
WAIT = """
import os, time
def handler(event, context):
    time.sleep(event)
    return os.environ["AWS_LAMBDA_RUNTIME_API"]
"""


def ask(port: int, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@isolated
def test_a_second_process_is_rejected_and_locks_nothing(function: Any) -> None:
    made = function(WAIT)
    host, port = made.invoke(0).payload.split(":")
    assert len(host) == len("00112233445566778899aabbccddeeff.localhost")
    foreign = [
        {"Host": "evil.example"},
        {"Host": f"127.0.0.1:{port}"},
        {"Host": f"localhost:{port}"},
        {"Host": f"{secret_host()}:{port}"},
        {"Host": f"{host}:{port}", "Origin": "http://evil.example"},
        {"Host": f"{host}:{port}", "Sec-Fetch-Site": "cross-site"},
        {},
    ]
    for headers in foreign:
        assert ask(int(port), "GET", NEXT, headers)[0] == 403
        assert ask(int(port), "POST", "/2018-06-01/runtime/invocation/x/response", headers, b'"forged"')[0] == 403
    assert made.invoke(0).payload == f"{host}:{port}"  # the same environment still serves


NEIGHBOUR = """
import http.client, socket
def handler(event, context):
    ports = set()
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == "0A":
            ports.add(int(local.partition(":")[2], 16))
    assert event in ports
    connection = http.client.HTTPConnection("127.0.0.1", event, timeout=5)
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    return connection.getresponse().status
"""


@isolated
def test_another_function_is_rejected(function: Any) -> None:
    victim = function(WAIT)
    port = int(victim.invoke(0).payload.rpartition(":")[2])
    assert function(NEIGHBOUR).invoke(port).payload == 403


@isolated
def test_a_body_of_another_process_is_not_read(function: Any) -> None:
    port = int(function(WAIT).invoke(0).payload.rpartition(":")[2])
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1200000000\r\n\r\n")
        with pytest.raises(OSError, match=r"Broken pipe|reset"):  # noqa: PT012
            while sent < 1_200_000_000:
                sent += connection.send(bytes(1 << 16))
    assert sent < 100_000_000


async def served(host: str = "127.0.0.1") -> tuple[RuntimeApi, int]:
    api = RuntimeApi()
    return api, int((await api.start(host)).rpartition(":")[2])


async def exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


@pytest.mark.parametrize("kind", ["response", "error"])
async def test_a_response_beyond_the_limit_is_dropped_while_it_arrives(kind: str) -> None:
    api, port = await served()
    host = f"Host: 127.0.0.1:{port}\r\n".encode()
    result = api.dispatch(Invocation("id", b"{}", 0, "arn"))
    assert b"200" in await exchange(port, f"GET {NEXT} HTTP/1.1\r\n".encode() + host + b"\r\n")
    head = f"POST /2018-06-01/runtime/invocation/id/{kind} HTTP/1.1\r\nContent-Length: {50 << 20}\r\n".encode()
    assert b"202" in await exchange(port, head + host + b"\r\n" + bytes(50 << 20))
    assert len((await result).payload) == RESPONSE_LIMIT + 1
    api.close()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Wait until the server closes a connection; return True if it sent nothing."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def test_trailers_without_end_are_not_received() -> None:
    api, port = await served()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST /x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    writer.write(b"1\r\na\r\n0\r\nLambda-Runtime-Function-Error-Body: ")
    await writer.drain()
    with contextlib.suppress(ConnectionError):
        for _ in range(2 * runtime_api.TRAILER_LIMIT >> 16):
            writer.write(b"a" * (1 << 16))
            await writer.drain()
    assert await asyncio.wait_for(closed(reader), timeout=20)
    writer.close()
    api.close()


async def test_a_silent_client_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_api, "HEAD_SECONDS", 0.2)
    api, port = await served()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await asyncio.wait_for(closed(reader), timeout=20)
    writer.close()
    api.close()


async def test_clients_above_the_limit_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_api, "HEAD_SECONDS", 600)
    api, port = await served()
    within = [await asyncio.open_connection("127.0.0.1", port) for _ in range(runtime_api.CONNECTIONS_LIMIT)]
    above = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
    assert all(await asyncio.wait_for(asyncio.gather(*(closed(reader) for reader, _ in above)), timeout=20))
    assert not [reader for reader, _ in within if reader.at_eof()]
    for _, writer in within + above:
        writer.close()
    api.close()


async def test_a_response_head_without_end_is_dropped() -> None:
    api, port = await served()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises(OSError):  # noqa: PT012, PT011
        for _ in range(100):
            writer.write(b"GET / HTTP/1.1\r\n" + b"X-Long: " + b"a" * 10_000)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.readexactly(1)
    writer.close()
    api.close()


LARGE = f"def handler(event, context): return 'a' * {RESPONSE_LIMIT + 1}"


def test_a_response_that_is_too_large_is_reported_to_the_function(function: Any) -> None:
    answered = function(LARGE).invoke()
    assert answered.error == "Unhandled"
    assert answered.payload == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).",
    }


def test_a_failed_start_is_reported_over_the_secret_host(function: Any) -> None:
    answered = function("raise ValueError('no start')").invoke()
    assert answered.error == "Unhandled"
    assert json.dumps(answered.payload).count("no start")


WRITE = """
def handler(event, context):
    reported = {}
    for path in event:
        try:
            open(path, "w").close()
            reported[path] = "written"
        except OSError as error:
            reported[path] = error.strerror
    return reported
"""


@isolated
def test_a_handler_can_write_only_to_its_tmp(function: Any) -> None:
    reported = function(WRITE).invoke(["/etc/x", "/x", "/var/x", "/var/task/x", "/tmp/x"]).payload
    assert reported.pop("/tmp/x") == "written"
    assert set(reported.values()) == {"Read-only file system"}
