"""A server that only confirms, as fast as Python can: an upper bound for any S3 with boto3 or the AWS CLI as client.

`python -m benchmarks.ceiling PORT`. It stores the keys of uploaded objects, not their content, and ignores signatures.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httptools
import uvloop

from benchmarks import processes
from benchmarks.clouds import Cloud

NAME = "a server that does no work"
SIZE = 2500
"""Size in bytes of a CIFAR image as PNG."""
BODY = bytes(SIZE)


class Yes(asyncio.Protocol):
    """One connection."""

    def __init__(self, keys: set[str]) -> None:
        self._keys = keys
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the methods below."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Reset the URL."""
        self._url = b""

    def on_url(self, url: bytes) -> None:
        """Append to the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Answer `Expect: 100-continue`, so that the client sends the body."""
        if name.lower() == b"expect" and value.lower() == b"100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_message_complete(self) -> None:
        """Send the response."""
        url = urlsplit(self._url.decode())
        body = b""
        if self._parser.get_method() == b"PUT":
            self._keys.add(url.path)
        elif "list-type" in (query := parse_qs(url.query)):
            start = f"{url.path.rstrip('/')}/{query.get('prefix', [''])[0]}"
            count = sum(key.startswith(start) for key in self._keys)
            body = f"<ListBucketResult><KeyCount>{count}</KeyCount></ListBucketResult>".encode()
        else:
            body = BODY
        head = f'HTTP/1.1 200 OK\r\nETag: "0"\r\nContent-Length: {len(body)}\r\n\r\n'
        self._transport.write(head.encode() + body)


@contextmanager
def running(folder: Path) -> Iterator[Cloud]:
    """Run the server on a free port."""
    port = processes.free_port()
    command = [sys.executable, "-m", "benchmarks.ceiling", str(port)]
    root = str(Path(__file__).resolve().parents[1])
    with processes.server(command, folder, port, {"PYTHONPATH": root}) as process:
        yield Cloud(NAME, f"http://127.0.0.1:{port}", process)


async def _serve(port: int) -> None:
    keys: set[str] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Yes(keys), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
