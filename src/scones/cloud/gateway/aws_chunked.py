"""The aws-chunked encoding of bodies, and the verification of bodies while they are read."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import AsyncIterator

from scones.cloud.core.credentials import constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.gateway.body import verified_hash, verified_length
from scones.cloud.wire import numbers
from scones.cloud.wire.request import Request
from scones.cloud.wire.signatures.verifier import Signature

EMPTY_SHA256 = hashlib.sha256().hexdigest()
LINE = 8192
"""Maximum length of a chunk header or trailer line in bytes."""
CHUNK_MINIMUM = 8192
"""Minimum size in bytes of each chunk of an aws-chunked body except the last, as in S3."""
CHUNK_LIMIT = 5 << 30
"""Maximum size of a chunk in bytes: the largest object of one PUT, as in S3."""
TRAILER_LIMIT = 16
"""Maximum number of trailers of an aws-chunked body."""


def decoded_body(
    request: Request, signature: Signature, chunks: AsyncIterator[bytes], trailers: dict[str, str]
) -> AsyncIterator[bytes]:
    """Return the decoded body, verified against its signature and the announced length."""
    declared = signature.payload_hash
    if declared.startswith("STREAMING-"):
        announced = request.headers.get("x-amz-trailer", "")
        chunks = aiter(ChunkedReader(chunks, signature, announced, trailers))
    elif declared and not declared.startswith("UNSIGNED"):
        chunks = verified_hash(chunks, declared)
    length = request.headers.get("x-amz-decoded-content-length")
    return chunks if length is None else verified_length(chunks, _decoded_length(length))


def _decoded_length(text: str) -> int:
    """Return the decoded length of an aws-chunked body, which excludes the chunk headers."""
    try:
        return numbers.unsigned_integer(text, CHUNK_LIMIT)
    except ValueError as error:  # AWS's message is unknown
        raise ServiceError("InvalidRequest", f"x-amz-decoded-content-length: {error}.") from error


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
