"""A web server that misbehaves in configurable ways."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Resource:
    """The response of one path, and how it misbehaves."""

    content: bytes
    etag: str | None = '"v1"'
    ranges: bool = True
    """True if requests for a range get status 206; otherwise they get the whole content."""
    breaks: list[int] = field(default_factory=list)
    """Number of bytes before the connection is cut, for each of the first requests."""
    stalls: bool = False
    """True if the connection stays open for 10 seconds after the body."""
    drips: float = 0.0
    """Pause in seconds after every 100 bytes."""
    length: bool = True
    """True if the response has a Content-Length."""


class Origin:
    """An HTTP server: `resources` maps paths to responses, `asked` has the path and the headers of each request."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.closing = threading.Event()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                origin.asked.append((self.path, dict(self.headers)))
                with contextlib.suppress(ConnectionError):
                    origin.answer(self)

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def url(self, path: str, resource: Resource | None = None) -> str:
        if resource:
            self.resources[path] = resource
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        resource = self.resources.get(handler.path)
        if resource is None:
            handler.send_error(404)
            return
        start = self.start_of(handler, resource)
        if start >= len(resource.content):
            handler.send_error(416)
            return
        self.send_headers(handler, resource, start)
        body = resource.content[start:]
        if resource.breaks:
            body = body[: resource.breaks.pop(0)]
        if resource.drips:
            for at in range(0, len(body), 100):
                handler.wfile.write(body[at : at + 100])
                if self.closing.wait(resource.drips):
                    return
        else:
            handler.wfile.write(body)
        if resource.stalls:
            handler.wfile.flush()
            self.closing.wait(10)
        handler.close_connection = True

    def start_of(self, handler: BaseHTTPRequestHandler, resource: Resource) -> int:
        asked = handler.headers.get("Range", "")
        condition = handler.headers.get("If-Range")
        if not resource.ranges or not asked or (condition and condition != resource.etag):
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def send_headers(self, handler: BaseHTTPRequestHandler, resource: Resource, start: int) -> None:
        total = len(resource.content)
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if resource.length:
            handler.send_header("Content-Length", str(total - start))
        if resource.etag:
            handler.send_header("ETag", resource.etag)
        handler.end_headers()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
