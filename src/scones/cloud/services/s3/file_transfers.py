"""Downloads to local files and uploads from them, for other services of the same cloud."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from scones.cloud.context import CloudContext
from scones.cloud.services.s3.body_files import CHUNK
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.stored_objects import StoredObjects


class FileTransfers:
    """Copies between objects and local files."""

    def __init__(self, cloud: CloudContext, buckets: BucketRecords, objects: StoredObjects) -> None:
        self._cloud = cloud
        self._buckets = buckets
        self._objects = objects

    async def download(self, bucket: str, key: str, path: Path) -> None:
        """Write an object to a local file, and create the file's folder if it is missing."""
        record = self._objects.find(self._buckets.find({"Bucket": bucket}), key)
        body = await self._objects.body(record)
        if isinstance(body, bytes):
            await asyncio.to_thread(_write_whole, path, body)
            return
        await asyncio.to_thread(_write_whole, path, b"")
        file = await asyncio.to_thread(path.open, "ab")
        try:
            async for chunk in body:
                await asyncio.to_thread(file.write, chunk)
        finally:
            await asyncio.to_thread(file.close)

    async def upload(
        self, open_file: Callable[[], BinaryIO], bucket: str, key: str, content_type: str = "binary/octet-stream"
    ) -> None:
        """Put a local file as an object.

        `open_file` opens the file and runs in a thread. Bytes appended after it was opened are not read, because
        another program may still be writing.
        """
        params = {"Bucket": bucket, "Key": key, "Body": _read_chunks(open_file), "ContentType": content_type}
        await self._cloud.call("s3", "PutObject", params)


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


async def _read_chunks(open_file: Callable[[], BinaryIO]) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(open_file)
    left = os.fstat(file.fileno()).st_size
    try:
        while left > 0 and (chunk := await asyncio.to_thread(file.read, min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    finally:
        await asyncio.to_thread(file.close)
