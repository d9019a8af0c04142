"""The load generator, against a test server and the gateway."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_connection
from typing import Any

from benchmarks.serving import load
from benchmarks.serving.signing import sign
from benchmarks.serving.target import post


@contextmanager
def server(*, fail_every: int = 0, hang_up: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    bodies: list[bytes] = []
    numbers = itertools.count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # sends each response in one packet: Nagle's algorithm would delay a second one

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            failed = fail_every and next(numbers) % fail_every == 0
            self.send_response(500 if failed else 200)
            self.send_header("content-length", "2")
            if hang_up:
                self.send_header("connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: Any) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    try:
        yield listener.server_address[1], bodies
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def request() -> bytes:
    return post("/invocations", "text/plain", b"image")


def test_closed_loops_send_the_next_request_after_a_response() -> None:
    with server() as (port, bodies):
        figures = load.closed(port, request, clients=3, seconds=0.3)
    assert set(bodies) == {b"image"}
    assert figures["errors"] == 0
    assert figures["requests"] > 0
    assert 0 < figures["p50"] <= figures["p95"] <= figures["p99"]


def test_failures_are_counted_but_not_part_of_the_rate() -> None:
    with server(fail_every=2) as (port, bodies):
        figures = load.closed(port, request, clients=1, seconds=0.3)
    assert 0 < figures["errors"] < len(bodies)


def test_the_client_reconnects_to_a_server_that_disconnected() -> None:
    with server(hang_up=True) as (port, bodies):
        figures = load.closed(port, request, clients=2, seconds=0.3)
    assert len(bodies) > 2
    assert figures["errors"] == 0


def test_the_arrival_rate_does_not_depend_on_the_server() -> None:
    with server() as (port, bodies):
        figures = load.arrivals(port, request, rate=50, seconds=0.4)
    assert len(bodies) == 30  # including the warm-up, which is not part of the figures
    assert figures["errors"] == 0


def test_signed_requests_pass_the_gateway_and_forged_ones_do_not(cloud: Any) -> None:
    host = cloud.url.removeprefix("http://")
    keys = cloud.running.environment()
    access_key, secret = keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]

    def status(secret: str) -> tuple[int, bytes]:
        path = "/endpoints/no-such-benchmark/invocations"
        asked = sign(path, host, b"image", "image/png", (access_key, secret), "us-east-1")
        with create_connection(("127.0.0.1", int(host.rpartition(":")[2]))) as connection:
            connection.sendall(asked)
            answer = HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read()

    code, body = status(secret)
    assert (code, b"no-such-benchmark" in body) == (400, True)
    assert status(secret[::-1])[0] == 403
