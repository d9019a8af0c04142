"""A running model server, as seen by the load generator."""

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

from benchmarks.serving.images import draw_image
from benchmarks.serving.load import Request

IMAGES = [draw_image(index % 2, index) for index in range(16)]
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Target:
    """A server's port and process, and the format of its requests and responses."""

    port: int
    request: Callable[[bytes], bytes]
    """Function that builds the bytes of a request for an image."""
    probabilities: Callable[[bytes], list[float]]
    """Function that parses the probabilities from a response body."""
    process: psutil.Process

    def requests(self) -> Request:
        """Return a function that builds one request after another, for each image in turn."""
        turn = itertools.cycle(IMAGES)
        return lambda: self.request(next(turn))

    def ask(self, content: bytes) -> list[float]:
        """Return the prediction for one image, over a new connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(self.request(content))
            answer = http.client.HTTPResponse(connection, method="POST")
            answer.begin()
            body = answer.read()
        assert answer.status == 200, f"{answer.status}: {body[:200]!r}"
        return self.probabilities(body)

    def check(self, expected: list[list[float]]) -> None:
        """Raise `AssertionError` if a response differs from the model's prediction."""
        for content, probabilities in zip(IMAGES, expected, strict=True):
            assert np.allclose(self.ask(content), probabilities, atol=TOLERANCE), "wrong answers"


Start = Callable[[Path], AbstractContextManager[Target]]
"""Function that starts a server in a folder."""


def post(path: str, content_type: str, body: bytes) -> bytes:
    """Return an unsigned POST, ready to send."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-type: {content_type}"]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


def bare_list(body: bytes) -> list[float]:
    """Parse a response that is a JSON list."""
    found: list[float] = json.loads(body)
    return found
