"""HTTP requests to endpoints on this machine."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import ssl
from collections.abc import Mapping
from functools import cache
from urllib.parse import SplitResult, quote, unquote, urlsplit

import httptools

from scones.cloud.errors import ServiceError

TIMEOUT_SECONDS = 15.0
"""Maximum seconds for a request and its response, as on AWS."""
_READ_BYTES = 1 << 16
_RETRIED = 429
"""The only client error after which AWS sends a request again."""
_KEPT = "/%:@!$&'()*+,;=?-._~[]"
"""Characters of a path or query that are not encoded."""


def is_local(url: str) -> bool:
    """Return True for an HTTP URL whose host is this machine: a loopback address, or a name below `localhost`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def post(url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Send a POST request; raises `ServiceError` unless the response is a success.

    The error has a status from 500 if the request may be repeated: after a server error, a timeout, or without a
    connection. Redirects are not followed.
    """
    if not is_local(url):
        raise ServiceError("EndpointNotLocal", f"The local cloud sends requests to this machine only, not to {url}.")
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            status = await _exchange(urlsplit(url), headers, body)
    except TimeoutError:
        raise ServiceError("EndpointTimeout", f"No response within {TIMEOUT_SECONDS:.0f} seconds.", 504) from None
    except (OSError, EOFError, httptools.HttpParserError) as error:
        raise ServiceError("EndpointUnreachable", f"The request failed: {error}", 503) from error
    if not 200 <= status < 300:
        again = status == _RETRIED or status >= 500
        raise ServiceError("EndpointError", f"The endpoint answered {status}.", 503 if again else 400)


async def _exchange(url: SplitResult, headers: Mapping[str, str], body: bytes) -> int:
    """Send a request and return the status of its response."""
    host = "127.0.0.1" if (url.hostname or "").endswith(".localhost") else url.hostname
    tls = await asyncio.to_thread(_tls) if url.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        host,
        url.port or (443 if tls else 80),
        ssl=tls,
        server_hostname=url.hostname if tls else None,
    )
    try:
        writer.write(_head(url, headers, len(body)) + body)
        response = _Response()
        while not response.complete:
            data = await reader.read(_READ_BYTES)
            if not data and response.status:  # a response without a length ends with the connection
                break
            if not data:
                raise EOFError("the connection was closed without a response")
            response.parser.feed_data(data)
        return response.status
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _head(url: SplitResult, headers: Mapping[str, str], length: int) -> bytes:
    """Return a request's head; a user name in the URL becomes Basic authentication."""
    named = {**headers, "Content-Length": str(length), "Host": url.netloc.rpartition("@")[2], "Connection": "close"}
    if url.username is not None:
        user = f"{unquote(url.username)}:{unquote(url.password or '')}"
        named["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    target = quote(url.path or "/", safe=_KEPT) + (f"?{quote(url.query, safe=_KEPT)}" if url.query else "")
    lines = (f"{name}: {value}" for name, value in named.items())
    return "\r\n".join([f"POST {target} HTTP/1.1", *lines, "", ""]).encode()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Response:
    """The status of a response that is being received."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.complete = False

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_message_complete(self) -> None:
        self.complete = self.status >= 200  # 1xx precedes the response
