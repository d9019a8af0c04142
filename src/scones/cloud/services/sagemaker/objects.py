"""S3 as jobs and endpoints use it: whole prefixes down, single files up, streamed."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError

CHUNK = 1 << 20
PARALLEL = 16
"""How many objects are downloaded at once."""


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket, and a key or a prefix of keys in it."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> Location:
        """Read `s3://BUCKET/KEY`, or `https://BUCKET.s3….amazonaws.com/KEY` as model data may be given."""
        split = urlsplit(uri)
        if split.scheme == "https":
            return cls(split.netloc.partition(".")[0], split.path.lstrip("/"))
        return cls(split.netloc, split.path.removeprefix("/"))

    def join(self, *parts: str) -> Location:
        """Return the place below this one, with single slashes between."""
        return Location(self.bucket, "/".join([*filter(None, [self.key.rstrip("/")]), *parts]))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Objects:
    """S3 of this cloud."""

    cloud: Cloud

    async def exists(self, prefix: Location) -> bool:
        """Tell whether any object's key begins with a prefix; False too where the bucket is missing."""
        try:
            page = await self._list(prefix, MaxKeys=1)
        except ServiceError as error:
            if error.code == "NoSuchBucket":
                return False
            raise
        return bool(page.get("Contents"))

    async def keys(self, prefix: Location) -> AsyncIterator[str]:
        """Yield the keys that begin with a prefix, in order; raises `ServiceError` (NoSuchBucket)."""
        token: dict[str, Any] = {}
        while True:
            page = await self._list(prefix, **token)
            for item in page.get("Contents", []):
                yield item["Key"]
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def _list(self, prefix: Location, **more: Any) -> dict[str, Any]:
        return await self.cloud.call("s3", "ListObjectsV2", {"Bucket": prefix.bucket, "Prefix": prefix.key, **more})

    async def read(self, source: Location) -> bytes:
        """Return a small object whole; raises `ServiceError` (NoSuchKey, NoSuchBucket)."""
        return b"".join([chunk async for chunk in self._chunks(source)])

    async def _chunks(self, source: Location) -> AsyncIterator[bytes]:
        answer = await self.cloud.call("s3", "GetObject", {"Bucket": source.bucket, "Key": source.key})
        if isinstance(answer["Body"], bytes):
            yield answer["Body"]
            return
        async for chunk in answer["Body"]:
            yield chunk

    async def download(self, source: Location, target: Path) -> None:
        """Write an object to a file, holding at most about a megabyte of it."""
        held: list[bytes] = []
        size = 0
        await asyncio.to_thread(_begin, target)
        async for chunk in self._chunks(source):
            held.append(chunk)
            size += len(chunk)
            if size >= CHUNK:
                await asyncio.to_thread(_append, target, held)
                held, size = [], 0
        await asyncio.to_thread(_append, target, held)

    async def download_all(self, files: Iterable[tuple[Location, Path]]) -> None:
        """Download many objects, several at a time; the first failure ends the others."""
        slots = asyncio.Semaphore(PARALLEL)

        async def one(source: Location, target: Path) -> None:
            async with slots:
                await self.download(source, target)

        async with asyncio.TaskGroup() as group:
            for source, target in files:
                group.create_task(one(source, target))

    async def upload(self, source: Path, target: Location) -> None:
        """Store a file as an object."""
        size = (await asyncio.to_thread(source.stat)).st_size
        await self.cloud.call(
            "s3",
            "PutObject",
            {"Bucket": target.bucket, "Key": target.key, "Body": _read(source), "ContentLength": size},
        )

    async def write(self, body: bytes, target: Location) -> None:
        """Store bytes as an object."""
        await self.cloud.call(
            "s3",
            "PutObject",
            {"Bucket": target.bucket, "Key": target.key, "Body": body, "ContentLength": len(body)},
        )


def relative(key: str, prefix: str) -> str:
    """Return where a key lies below a channel's folder, "" for a folder's own marker.

    An S3Prefix is a prefix of keys, not a folder: `data/train` and `data/train/` both put `data/train/a.png` at
    `a.png`, `data/train.lst` puts itself at `train.lst`.
    """
    rest = key[len(prefix) :]
    if not prefix.endswith("/") and not rest.startswith("/"):
        rest = key[len(posixpath.dirname(prefix)) :]
    return rest.lstrip("/") if not rest.endswith("/") else ""


def below(folder: Path, name: str) -> Path:
    """Return `folder / name`, or raise `ValueError` where that lies outside of the folder."""
    if ".." in name.split("/") or name.startswith("/") or "\0" in name:
        raise ValueError(f"{name!r} is no path below a folder.")
    return folder / name


def _begin(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"")


def _append(target: Path, chunks: list[bytes]) -> None:
    with target.open("ab") as file:
        file.writelines(chunks)


async def _read(source: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(source.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()
