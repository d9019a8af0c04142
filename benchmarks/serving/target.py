"""A running model server, as the load sees it."""

from __future__ import annotations

import http.client
import itertools
import json
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks.serving.load import Request
from benchmarks.serving.pictures import picture

PICTURES = [picture(index % 2, index) for index in range(16)]
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens, what it is asked, and its process."""

    port: int
    request: Callable[[bytes], bytes]
    """Makes the bytes of a request for a picture."""
    probabilities: Callable[[bytes], list[float]]
    """Reads them out of the body of an answer."""
    process: psutil.Process

    def requests(self) -> Request:
        """Return what makes one request after another, of the pictures in turn."""
        turn = itertools.cycle(PICTURES)
        return lambda: self.request(next(turn))

    def ask(self, content: bytes) -> list[float]:
        """Return the answer for one picture, over a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(self.request(content))
            answer = http.client.HTTPResponse(connection, method="POST")
            answer.begin()
            body = answer.read()
        assert answer.status == 200, f"{answer.status}: {body[:200]!r}"
        return self.probabilities(body)

    def check(self, expected: list[list[float]]) -> None:
        """Raise `AssertionError` where an answer is not the model's."""
        for content, probabilities in zip(PICTURES, expected, strict=True):
            assert np.allclose(self.ask(content), probabilities, atol=TOLERANCE), "wrong answers"


Start = Callable[[Path], AbstractContextManager[Target]]
"""Starts a server in a folder."""


def post(path: str, content_type: str, body: bytes) -> bytes:
    """Return an unsigned POST, ready to send."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-type: {content_type}"]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


def bare_list(body: bytes) -> list[float]:
    """Read an answer that is a JSON list."""
    found: list[float] = json.loads(body)
    return found
