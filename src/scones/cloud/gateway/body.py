"""Request bodies: read completely up to a limit, or streamed, decoded from aws-chunked and verified."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from scones.cloud.core.credentials import constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.gateway.authenticate import Signature
from scones.cloud.wire import numbers

T = TypeVar("T")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
EMPTY_SHA256 = hashlib.sha256().hexdigest()
LINE = 8192
"""Maximum length of a chunk header or trailer line in bytes."""
CHUNK_MINIMUM = 8192
"""Minimum size in bytes of each chunk of an aws-chunked body except the last, as in S3."""
CHUNK_LIMIT = 5 << 30
"""Maximum size of a chunk in bytes: the largest object of one PUT, as in S3."""
TRAILER_LIMIT = 16
"""Maximum number of trailers of an aws-chunked body."""
READ_SECONDS = 120.0
"""Maximum time in seconds for receiving a body that is read completely."""
SMALL = 256 << 10
"""Maximum size in bytes of a body that is accepted even if `ARRIVING_LIMIT` is exceeded."""
IN_THREAD = 128 << 10
"""Size in bytes above which a body is hashed and parsed on a thread."""
_threads = ThreadPoolExecutor(2, thread_name_prefix="body")
"""Threads for large bodies. Two at most, so that others get the interpreter lock and the default threads."""
ARRIVING_LIMIT = 256 << 20
"""Maximum total size in bytes of all bodies being received; a body above `SMALL` that exceeds it is rejected."""


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
            if self._arriving > ARRIVING_LIMIT and buffer.tell() > SMALL:
                raise ServiceError(
                    "ServiceUnavailable",
                    "The memory for incoming request bodies is full; try again later.",
                    503,
                )


def _with_first_message(first: MutableMapping[str, Any], receive: Receive) -> Receive:
    waiting = [first]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again


async def on_thread(work: Callable[[], T]) -> T:
    """Run long work on one of the threads for bodies."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)


async def sha256_hex(whole: bytes) -> str:
    """Return a body's SHA-256 in hex."""
    hashed = hashlib.sha256(whole) if len(whole) <= IN_THREAD else await on_thread(partial(hashlib.sha256, whole))
    return hashed.hexdigest()


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


class ChunkedReader:
    """Decoder of an aws-chunked body: `size;chunk-signature=…` lines, each followed by data, then trailers.

    At the end, `trailers` receives the trailers (names in lower case) that `announced`, the value of the header
    x-amz-trailer, lists; any other trailer is an error. Chunk signatures are verified if the body is signed.
    """

    def __init__(
        self, chunks: AsyncIterator[bytes], signature: Signature, announced: str, trailers: dict[str, str]
    ) -> None:
        self._chunks = chunks
        self._signature = signature
        self._announced = {name.strip().lower() for name in announced.split(",")}
        self._signed = signature.payload_hash.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        self._has_trailers = signature.payload_hash.endswith("-TRAILER")
        self._previous = signature.value
        self._trailers = trailers
        self._buffer = bytearray()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        smaller: tuple[int, int] | None = None
        for number in itertools.count(1):
            header, _, extension = (await self._line()).partition(";")
            try:
                remaining = numbers.hexadecimal(header, CHUNK_LIMIT)
            except ValueError as error:
                raise _malformed() from error
            if remaining and smaller is not None:
                raise _chunk_too_small(*smaller)
            if remaining < CHUNK_MINIMUM:
                smaller = number, remaining
            digest = hashlib.sha256()
            if remaining:
                async for piece in self._data(remaining):
                    digest.update(piece)
                    yield piece
                if await self._line():
                    raise _malformed()
            if self._signed:
                self._check(extension.partition("=")[2], "AWS4-HMAC-SHA256-PAYLOAD", [EMPTY_SHA256, digest.hexdigest()])
            if not remaining:
                break
        await self._read_trailers()

    async def _data(self, remaining: int) -> AsyncIterator[bytes]:
        while remaining:
            if not self._buffer:
                await self._fill()
            piece = bytes(self._buffer[:remaining])
            del self._buffer[: len(piece)]
            remaining -= len(piece)
            yield piece

    async def _read_trailers(self) -> None:
        signed = b""
        while self._has_trailers and (line := await self._line()):
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            if name == "x-amz-trailer-signature":
                if self._signed:
                    self._check(value, "AWS4-HMAC-SHA256-TRAILER", [hashlib.sha256(signed).hexdigest()])
                continue
            if name not in self._announced or len(self._trailers) == TRAILER_LIMIT:
                raise ServiceError(
                    "MalformedTrailerError",
                    "The request contained trailing data that was not well-formed or did not conform to our published "
                    "schema.",
                )
            self._trailers[name] = value
            signed += f"{name}:{value}\n".encode()
        await self._read_end()

    async def _read_end(self) -> None:
        """Require that nothing but an empty line follows the last chunk and the trailers."""
        async for chunk in self._chunks:
            self._buffer += chunk
            if len(self._buffer) > len(b"\r\n"):
                break
        if bytes(self._buffer) not in (b"", b"\r\n"):
            raise _malformed()

    def _check(self, given: str, algorithm: str, hashes: list[str]) -> None:
        text = "\n".join([algorithm, self._signature.date, self._signature.scope, self._previous, *hashes])
        expected = hmac.new(self._signature.chunk_key, text.encode(), hashlib.sha256).hexdigest()
        if not constant_time_equal(expected, given):
            raise ServiceError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and "
                "signing method.",
                403,
            )
        self._previous = expected

    async def _line(self) -> str:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > LINE:
                raise _malformed()
            await self._fill()
        line = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 2]
        return line

    async def _fill(self) -> None:
        try:
            self._buffer += await anext(self._chunks)
        except StopAsyncIteration as error:
            raise ServiceError(
                "IncompleteBody", "The request body terminated unexpectedly before its last chunk"
            ) from error


def _malformed() -> ServiceError:
    return ServiceError(
        "InvalidRequest", "The aws-chunked body is malformed: a chunk's size or end is in the wrong position."
    )


def _chunk_too_small(number: int, size: int) -> ServiceError:
    return ServiceError(
        "InvalidChunkSizeError",
        f"Only the last chunk is allowed to have a size less than {CHUNK_MINIMUM} bytes",
        403,
        Chunk=number + 1,  # S3 reports the number of the chunk after the small one
        BadChunkSize=size,
    )
