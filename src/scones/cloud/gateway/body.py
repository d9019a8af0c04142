"""Request bodies: read completely up to a limit, or streamed and verified."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Callable

from scones.cloud.core.credentials import constant_time_equal
from scones.cloud.errors import ServiceError
from scones.http.asgi import Message, Receive

READ_SECONDS = 120.0
"""Maximum time in seconds for receiving a body that is read completely."""
SMALL_BODY = 256 << 10
"""Maximum size in bytes of a body that is accepted even if `ARRIVING_LIMIT` is exceeded."""
ARRIVING_LIMIT = 256 << 20
"""Maximum total size in bytes of all bodies being received; a body above `SMALL_BODY` that exceeds it is rejected."""


async def stream(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the request's body as it arrives; raises `ServiceError` (`RequestTimeout`) if the client disconnects."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ServiceError(
                "RequestTimeout", "The client closed the connection before it had sent the complete body."
            )
        if chunk := message.get("body"):
            yield chunk
        more = message.get("more_body", False)


class BodyReader:
    """Reader of complete bodies, with limits on the time and on the memory of bodies being received."""

    def __init__(self) -> None:
        self._arriving = 0

    async def read(self, receive: Receive, limit: int, too_large: Callable[[], ServiceError]) -> bytes:
        """Return a complete body of at most `limit` bytes; raises `too_large()` as soon as a body exceeds the limit."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            whole: bytes = message.get("body", b"")
            if len(whole) > limit:
                raise too_large()
            return whole
        buffer = io.BytesIO()  # joining the chunks at the end would copy all of them in one step
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._collect(buffer, _with_first_message(message, receive), limit, too_large)
        except TimeoutError as error:
            raise ServiceError(
                "RequestTimeout", f"The complete body did not arrive within {READ_SECONDS:g} seconds.", 408
            ) from error
        finally:
            self._arriving -= buffer.tell()
        return buffer.getvalue()

    async def _collect(
        self, buffer: io.BytesIO, receive: Receive, limit: int, too_large: Callable[[], ServiceError]
    ) -> None:
        async for chunk in stream(receive):
            buffer.write(chunk)
            self._arriving += len(chunk)
            if buffer.tell() > limit:
                raise too_large()
            if self._arriving > ARRIVING_LIMIT and buffer.tell() > SMALL_BODY:
                raise ServiceError(
                    "ServiceUnavailable",
                    "The memory for incoming request bodies is full; try again later.",
                    503,
                )


def _with_first_message(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client closes the connection; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def verified_hash(chunks: AsyncIterator[bytes], expected: str) -> AsyncIterator[bytes]:
    """Yield the chunks; raise `ServiceError` at the end unless their SHA-256 is the signed one."""
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if not constant_time_equal(digest.hexdigest(), expected):
        raise ServiceError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ClientComputedContentSHA256=expected,
            S3ComputedContentSHA256=digest.hexdigest(),
        )


async def limited(
    chunks: AsyncIterator[bytes], limit: int, too_large: Callable[[], ServiceError]
) -> AsyncIterator[bytes]:
    """Yield the chunks; raise `too_large()` if they exceed `limit` bytes in total."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise too_large()
        yield chunk


async def verified_length(chunks: AsyncIterator[bytes], expected: int) -> AsyncIterator[bytes]:
    """Yield the chunks; raise `ServiceError` at the end unless their total length is the announced one."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > expected:
            break
        yield chunk
    if size != expected:
        raise ServiceError(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )
