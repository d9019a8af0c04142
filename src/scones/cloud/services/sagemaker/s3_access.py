"""S3 access for jobs and endpoints: downloads of prefixes, uploads of single files, and streams."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import UntrustedFile
from scones.cloud.service import body_chunks, read_body
from scones.cloud.services.s3 import S3
from scones.cloud.services.s3.file_transfers import FileTransfers
from scones.cloud.wire.members import Members, MemberValue

PARALLEL_DOWNLOADS = 16
"""Maximum number of objects that are downloaded at once."""


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket, and a key or a prefix of keys in it."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> S3Location:
        """Parse `s3://BUCKET/KEY`, or `https://BUCKET.s3….amazonaws.com/KEY`, which model data may use."""
        split = urlsplit(uri)
        if split.scheme == "https":
            return cls(split.netloc.partition(".")[0], split.path.lstrip("/"))
        return cls(split.netloc, split.path.removeprefix("/"))

    def join(self, *parts: str) -> S3Location:
        """Return the location of `parts` below this one, joined with single slashes."""
        return S3Location(self.bucket, "/".join([*filter(None, [self.key.rstrip("/")]), *parts]))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class S3Access:
    """Client of this cloud's S3."""

    cloud: CloudContext

    async def exists(self, prefix: S3Location) -> bool:
        """Return True if the key of any object begins with a prefix; False if the bucket does not exist."""
        try:
            page = await self._list(prefix, MaxKeys=1)
        except ServiceError as error:
            if error.code == "NoSuchBucket":
                return False
            raise
        return bool(page.get("Contents"))

    async def keys(self, prefix: S3Location) -> AsyncIterator[str]:
        """Yield the keys that begin with a prefix, in order; raises `ServiceError` (NoSuchBucket)."""
        token: Members = {}
        while True:
            page = await self._list(prefix, **token)
            for item in page.get("Contents", []):
                yield item["Key"]
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def _list(self, prefix: S3Location, **more: MemberValue) -> Members:
        return await self.cloud.call("s3", "ListObjectsV2", {"Bucket": prefix.bucket, "Prefix": prefix.key, **more})

    async def read(self, source: S3Location) -> bytes:
        """Return the content of a small object; raises `ServiceError` (NoSuchKey, NoSuchBucket)."""
        response = await self.cloud.call("s3", "GetObject", {"Bucket": source.bucket, "Key": source.key})
        return await read_body(response["Body"])

    async def stream(self, source: S3Location) -> tuple[int, AsyncIterator[bytes]]:
        """Return an object's length in bytes and its content in chunks.

        Raises `ServiceError` (NoSuchKey, NoSuchBucket).
        """
        response = await self.cloud.call("s3", "GetObject", {"Bucket": source.bucket, "Key": source.key})
        return response["ContentLength"], body_chunks(response["Body"])

    async def download(self, source: S3Location, target: Path) -> None:
        """Write an object to a file; raises `ServiceError` (NoSuchKey, NoSuchBucket)."""
        await self._transfers.download(source.bucket, source.key, target)

    async def download_all(self, files: Iterable[tuple[S3Location, Path]]) -> None:
        """Download many objects, several at a time; the first failure cancels the other downloads."""
        slots = asyncio.Semaphore(PARALLEL_DOWNLOADS)

        async def one(source: S3Location, target: Path) -> None:
            async with slots:
                await self.download(source, target)

        async with asyncio.TaskGroup() as group:
            for source, target in files:
                group.create_task(one(source, target))

    async def upload(self, source: Path, target: S3Location) -> None:
        """Store a file that the cloud itself wrote as an object."""
        await self._transfers.upload(lambda: source.open("rb"), target.bucket, target.key)

    async def upload_untrusted(self, file: UntrustedFile, target: S3Location) -> None:
        """Store a file that a program wrote; raises `OSError` if it is no longer a regular file."""
        await self._transfers.upload(file.open, target.bucket, target.key)

    async def write(self, body: bytes, target: S3Location) -> None:
        """Store bytes as an object."""
        await self.cloud.call("s3", "PutObject", {"Bucket": target.bucket, "Key": target.key, "Body": body})

    @property
    def _transfers(self) -> FileTransfers:
        return self.cloud.service(S3).transfers


def relative(key: str, prefix: str) -> str:
    """Return the path of a key below a channel's folder; "" for the marker object of a folder.

    An S3Prefix is a prefix of keys, not a folder. The prefixes `data/train` and `data/train/` both map the key
    `data/train/a.png` to `a.png`; the prefix `data/train.lst` maps its own key to `train.lst`.
    """
    rest = key[len(prefix) :]
    if not prefix.endswith("/") and not rest.startswith("/"):
        rest = key[len(posixpath.dirname(prefix)) :]
    return rest.lstrip("/") if not rest.endswith("/") else ""


def below(folder: Path, name: str) -> Path:
    """Return `folder / name`; raises `ValueError` if that is outside the folder."""
    if ".." in name.split("/") or name.startswith("/") or "\0" in name:
        raise ValueError(f"{name!r} is outside the target folder.")
    return folder / name
