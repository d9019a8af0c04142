"""Conversion of an ASGI scope to a `Request`."""

from __future__ import annotations

import re
from collections import defaultdict
from urllib.parse import parse_qsl

from scones.cloud.wire.request import Request
from scones.http.asgi import Scope

_S3_HOST = re.compile(r"(^|\.)s3(\.[a-z]{2}(-[a-z]+)+-[0-9])?$")
"""End of a host name below `localhost` that names S3, with or without a region."""


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
    bucket = _bucket_in_host(headers.get("host", ""), port)
    resource = f"/{bucket}{raw_path}" if bucket else raw_path
    client_host = (scope.get("client") or ("127.0.0.1",))[0]
    return Request(scope["method"], raw_path, resource, query_string, pairs, query, headers, client_host)


def _bucket_in_host(host: str, port: int) -> str:
    """Return the bucket in a host name such as BUCKET.localhost, BUCKET.s3.localhost or BUCKET.s3.REGION.localhost."""
    name, dot, _ = host.rpartition(f".localhost:{port}")
    if not dot:
        return ""
    return _S3_HOST.sub("", name)
