"""The parser of requests: heads within limits, passed on as ASGI scopes, and bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import unquote

import httptools

from scones.http.asgi import Headers, Message

HEAD_LIMIT = 64 << 10
"""Maximum size of a request's head in bytes: the request line and all headers."""
URL_LIMIT = 16 << 10
"""Maximum length of a request's URL in bytes; a longer one gets status 414."""
HEADERS_LIMIT = 1000
"""Maximum number of headers of a request: S3's 2 KB of user metadata can take several hundred headers."""


class RequestReceiver(Protocol):
    """The methods that the parser calls for each request."""

    def on_head(self, scope: Message, *, kept: bool) -> None:
        """Receive a complete head; `kept` is True if the client does not close the connection after the response."""

    def on_body(self, body: bytes) -> None:
        """Receive a piece of the body."""

    def on_message_complete(self) -> None:
        """Receive the end of the body."""

    def close_after_queued(self) -> None:
        """Ignore all further data."""

    def reject(self, status: int) -> None:
        """Reject an invalid request."""


class RequestParser:
    """Parses the data of one connection; httptools calls the methods `on_...`."""

    def __init__(self, receiver: RequestReceiver) -> None:
        self._receiver = receiver
        self.addresses: Mapping[str, tuple[str, int] | None] = {}
        """Addresses of the client and of the server, which become part of each scope."""
        self._url = b""
        self._headers: Headers = []
        self._in_head = self._in_body = False
        self._head_size = 0
        self._trailer_size = 0
        """Bytes received since the head or the last piece of a body."""
        self._rejection_status = 400
        """Status for a request that the parser or a limit rejects."""
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # such data is ignored

    def feed(self, data: bytes) -> None:
        """Parse data; invalid requests are passed to `RequestReceiver.reject`."""
        self._trailer_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # no upgrade is supported; the request is processed normally
            self._receiver.close_after_queued()
            return
        except httptools.HttpParserError:
            self._receiver.reject(self._rejection_status)
            return
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                self._receiver.reject(431)
        elif self._in_body and self._trailer_size > HEAD_LIMIT:
            self._receiver.reject(431)

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on."""
        self._trailer_size = 0
        self._receiver.on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end of the body on."""
        self._in_body = False
        self._receiver.on_message_complete()

    def on_message_begin(self) -> None:
        """Start a new request."""
        self._url, self._headers = b"", []
        self._in_head, self._head_size, self._in_body = True, 0, False

    def on_url(self, url: bytes) -> None:
        """Add a piece of the URL."""
        self._url += url
        if len(self._url) > URL_LIMIT:
            self._rejection_status = 414
            raise ValueError("the URL is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header."""
        if self._in_head:  # otherwise it is a trailer of a chunked body
            self._headers.append((name.lower(), value))
            if len(self._headers) > HEADERS_LIMIT:
                self._rejection_status = 431
                raise ValueError("there are too many headers")

    def on_headers_complete(self) -> None:
        """Pass the head on."""
        self._in_head, self._in_body, self._trailer_size = False, True, 0
        url = self._url
        if not url.startswith(b"/"):  # an absolute URL, as for a proxy
            parsed = httptools.parse_url(url)
            url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
        raw_path, _, query = url.partition(b"?")
        path = raw_path.decode("ascii")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self._parser.get_http_version(),
            "method": self._parser.get_method().decode("ascii"),
            "scheme": "http",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
            **self.addresses,
        }
        self._receiver.on_head(scope, kept=self._parser.should_keep_alive())
