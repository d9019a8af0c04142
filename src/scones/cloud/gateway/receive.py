"""Conversion of an ASGI scope to a `Request`."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import parse_qsl

from scones.cloud.wire.request import Request
from scones.http.asgi import Scope


def received_request(scope: Scope, port: int) -> Request:
    """Return the request that a scope describes, with its headers and its query decoded."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    query: dict[str, list[str]] = defaultdict(list)
    query_string = scope["query_string"].decode("latin-1")
    pairs = parse_qsl(query_string, keep_blank_values=True) if query_string else []
    for name, value in pairs:
        query[name].append(value)
    raw_path = scope["raw_path"].decode("latin-1")
    bucket, dot, _ = headers.get("host", "").rpartition(f".localhost:{port}")
    resource = f"/{bucket}{raw_path}" if dot else raw_path
    client_host = (scope.get("client") or ("127.0.0.1",))[0]
    return Request(scope["method"], raw_path, resource, query_string, pairs, query, headers, client_host)
