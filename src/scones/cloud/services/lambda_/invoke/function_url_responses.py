"""HTTP responses of function URLs, from buffered results and from streamed ones."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from scones.cloud.core.json_types import Json
from scones.cloud.core.surrogates import well_formed
from scones.cloud.services.lambda_.runtime.execution_environment import InvocationResult
from scones.cloud.services.lambda_.runtime.response_stream import ResponseStream
from scones.cloud.wire.response import Response, ResponseAborted

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
"""Content type of a streamed response that begins with its status and headers as JSON, followed by `_DELIMITER`."""
_DELIMITER = bytes(8)
_PRELUDE_LIMIT = 65_536
"""Maximum bytes of such a beginning; AWS documents no maximum."""
_BREAK = frozenset("\r\n\0")
"""Characters that a header must not contain, because they could begin another header."""


class _InvalidResponseError(ValueError):
    """A function's response that AWS answers with status 502."""


@dataclass(frozen=True, slots=True)
class _Head:
    """A response's status and headers."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)


def bad_gateway() -> Response:
    """Return the response for a function that failed, or whose response is invalid."""
    return Response(502, {"content-type": "text/plain"}, b"Internal Server Error")


def buffered_response(payload: bytes) -> Response:
    """Return a result as a response: an object with `statusCode` is the full response, any other value is the body.

    Returns status 502 for an invalid response object.
    """
    value = json.loads(payload or b"null")
    if not isinstance(value, dict) or "statusCode" not in value:
        return Response(200, {"content-type": "application/json"}, _text_of(value).encode())
    body = _text_of(value.get("body") or "")
    try:
        content = base64.b64decode(body, validate=True) if value.get("isBase64Encoded") else body.encode()
        head = _head_of(value, "application/json")
    except (_InvalidResponseError, binascii.Error):
        return bad_gateway()
    return Response(head.status, body=content, repeatable_headers=head.headers)


async def streamed_response(stream: ResponseStream, invocation: asyncio.Future[InvocationResult]) -> Response:
    """Return the response with the chunks that a function streams, once its first chunk is there.

    The result of a runtime that does not stream is the body: its `statusCode` has no meaning here, as on AWS.
    """
    if not await stream.wait_until_started(invocation):
        outcome = await invocation
        if outcome.function_error is not None:
            return bad_gateway()
        # AWS does not document this content type.
        return Response(200, {"content-type": stream.content_type}, outcome.payload)
    chunks = stream.read(invocation)
    if stream.content_type != PRELUDE_TYPE:
        return Response(200, {"content-type": stream.content_type}, _body(b"", chunks, invocation))
    prelude, rest = await _split(chunks)
    try:
        head = _head_of(json.loads(prelude), "application/octet-stream")
    except ValueError:
        return bad_gateway()
    return Response(head.status, body=_body(rest, chunks, invocation), repeatable_headers=head.headers)


async def _split(chunks: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
    """Read a prelude; return it and the bytes of the body that have been read with it."""
    received = b""
    while _DELIMITER not in received and len(received) <= _PRELUDE_LIMIT:
        chunk = await anext(chunks, None)
        if chunk is None:
            break
        received += chunk
    prelude, _, rest = received.partition(_DELIMITER)
    return prelude, rest


async def _body(
    first: bytes, chunks: AsyncIterator[bytes], invocation: asyncio.Future[InvocationResult]
) -> AsyncIterator[bytes]:
    """Yield a body; the connection is cut if the function fails after the response has begun."""
    if first:
        yield first
    async for chunk in chunks:
        yield chunk
    if (await invocation).function_error is not None:
        raise ResponseAborted


def _head_of(value: Json, default_type: str) -> _Head:
    """Return the status and the headers in a response object; raises `_InvalidResponseError`."""
    if not isinstance(value, dict):
        raise _InvalidResponseError
    headers, cookies = value.get("headers") or {}, value.get("cookies") or []
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise _InvalidResponseError
    try:
        status = int(value.get("statusCode", 200))  # type: ignore[arg-type]  # other types raise TypeError
    except (TypeError, ValueError) as error:
        raise _InvalidResponseError from error
    pairs = [(name.lower(), str(each)) for name, each in headers.items()]
    pairs += [("set-cookie", str(cookie)) for cookie in cookies]
    if not 100 <= status <= 599 or any(_BREAK & set(name + text) for name, text in pairs):
        raise _InvalidResponseError
    pairs = [pair for pair in pairs if pair[0] not in ("content-length", "transfer-encoding", "connection")]
    if all(name != "content-type" for name, _ in pairs):
        pairs.append(("content-type", default_type))
    return _Head(status, pairs)


def _text_of(value: Json) -> str:
    """Return a string unchanged, and any other value as JSON without spaces, as AWS sends it."""
    return well_formed(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )
