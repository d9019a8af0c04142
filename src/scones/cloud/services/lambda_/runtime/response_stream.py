"""A streamed response: the client of an invocation receives its chunks while the handler still runs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

STREAM_LIMIT = 209_715_200
"""Maximum bytes of a streamed response (Lambda Developer Guide, "Lambda quotas": 200 MB)."""
UNREAD_LIMIT = 1 << 20
"""Bytes that the client has not read yet, above which the runtime must wait."""
DEFAULT_CONTENT_TYPE = "application/octet-stream"


class ResponseStream:
    """The chunks of a response, which the Runtime API adds and the client of the invocation reads."""

    def __init__(self) -> None:
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the first chunk is there."""
        self.content_type = DEFAULT_CONTENT_TYPE
        self.size = 0
        """Bytes that the runtime has sent."""
        self._chunks: deque[bytes] = deque()
        self._unread = 0
        self._changed = asyncio.Event()
        self._source: asyncio.Transport | None = None
        self._paused = False
        self._discards = False

    def open(self, content_type: str, source: asyncio.Transport) -> None:
        """Receive chunks from a connection, which is paused while too many bytes are unread."""
        self.content_type = content_type or DEFAULT_CONTENT_TYPE
        self._source = source

    def add(self, chunk: bytes) -> None:
        """Add a chunk; it is dropped if the client has gone or the response is too large."""
        self.size += len(chunk)
        if self._discards or self.size > STREAM_LIMIT:
            return
        self._chunks.append(chunk)
        self._unread += len(chunk)
        if not self.started.done():
            self.started.set_result(None)
        self._changed.set()
        if self._unread > UNREAD_LIMIT and self._source is not None and not self._paused:
            self._paused = True
            self._source.pause_reading()

    def close(self) -> None:
        """Receive no more chunks from the connection."""
        self._resume()
        self._source = None

    async def wait_until_started(self, invocation: asyncio.Future[Any]) -> bool:
        """Wait for the first chunk or for the end of the invocation; return True if there is a chunk."""
        await asyncio.wait({invocation, self.started}, return_when=asyncio.FIRST_COMPLETED)
        return self.started.done()

    async def read(self, invocation: asyncio.Future[Any]) -> AsyncIterator[bytes]:
        """Yield the chunks until the invocation is done."""
        invocation.add_done_callback(lambda _: self._changed.set())
        try:
            while True:
                while self._chunks:
                    yield self._take()
                if invocation.done():
                    return
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._discards = True
            self._resume()

    def _take(self) -> bytes:
        chunk = self._chunks.popleft()
        self._unread -= len(chunk)
        if self._unread <= UNREAD_LIMIT:
            self._resume()
        return chunk

    def _resume(self) -> None:
        if self._paused and self._source is not None and not self._source.is_closing():
            self._paused = False
            self._source.resume_reading()
