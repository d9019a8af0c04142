"""Operations on single objects: put, get, head, delete."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from scones.cloud.errors import ServiceError
from scones.cloud.service import Body, OperationCall, OperationOutput
from scones.cloud.services.s3 import checksum, errors
from scones.cloud.services.s3.base import S3Base, discard, now
from scones.cloud.services.s3.body_files import CHUNK, SMALL, ByteRange, DamagedFileError, ReceivedBody
from scones.cloud.services.s3.checksum import Checksum
from scones.cloud.services.s3.conditions import check_read, check_write
from scones.cloud.services.s3.object_record import ObjectRecord, find_object, headers_of
from scones.cloud.services.s3.ranges import parse_range
from scones.cloud.services.s3.tags import tags_in_header

log = logging.getLogger(__name__)

_NOT_IN_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


class ObjectOperations(S3Base):
    """PutObject, GetObject, HeadObject, DeleteObject and DeleteObjects."""

    async def put_object(self, call: OperationCall) -> dict[str, Any]:
        """Write an object; it is on disk when this returns."""
        params = call.params
        bucket = self.check_bucket(params)
        check_key(params["Key"])
        tags = tags_in_header(params["Tagging"]) if "Tagging" in params else "[]"
        content = await self.receive(call, checksum.announced(params, call.headers) or checksum.DEFAULT)
        try:
            record = self.record(bucket, params, content, tags)
            await self.replace(record, call, "ObjectCreated:Put")
        except BaseException:
            await self.drop(content)
            raise
        return {"ETag": f'"{record.etag}"', **record.encryption(), **record.checksum.members()}

    async def receive(self, call: OperationCall, *algorithms: str, small: int = SMALL) -> ReceivedBody:
        """Receive a request's body, and check it against Content-MD5 and the checksum in a header or trailer.

        Raises `BadDigest` if either differs.
        """
        params = call.params
        expected_md5 = _content_md5(params)
        sent = checksum.sent_in(params)
        needed_algorithms = {*algorithms, sent[0]} if sent else set(algorithms)
        content = await self.files.receive(params["Body"], needed_algorithms, small=small)
        try:
            if expected_md5 is not None and expected_md5 != content.md5:
                raise ServiceError(
                    "BadDigest",
                    "The Content-MD5 you specified did not match what we received.",
                    ExpectedDigest=expected_md5.hex(),
                    CalculatedDigest=checksum.encode(content.md5),
                )
            for name, digest in content.digests.items():
                trailing = call.trailers.get(f"x-amz-checksum-{name.lower()}")
                expected = sent[1] if sent and sent[0] == name else trailing
                if expected is not None:
                    checksum.check_form(name, expected)
                    checksum.check(name, expected, digest)
        except ServiceError:
            await self.drop(content)
            raise
        return content

    async def drop(self, content: ReceivedBody) -> None:
        """Remove a body that no row will name."""
        if content.file is not None:
            await self.files.remove([content.file])

    def record(self, bucket: str, params: Mapping[str, Any], content: ReceivedBody, tags: str = "[]") -> ObjectRecord:
        """Return a new object with the content and the request's headers."""
        algorithm = next(iter(content.digests))
        return ObjectRecord(
            bucket=bucket,
            key=params["Key"],
            size=content.size,
            etag=content.md5.hex(),
            modified=now(),
            checksum=Checksum(algorithm, checksum.encode(content.digests[algorithm])),
            storage_class=params.get("StorageClass", "STANDARD"),
            headers=headers_of(params),
            tags=tags,
            data=content.data,
            file=content.file,
        )

    async def head_object(self, call: OperationCall) -> dict[str, Any] | OperationOutput:
        """Return GetObject's response without the body."""
        return await self._get(call, with_body=False)

    async def get_object(self, call: OperationCall) -> dict[str, Any] | OperationOutput:
        """Return an object, a range of it, or a part of it."""
        return await self._get(call, with_body=True)

    async def _get(self, call: OperationCall, *, with_body: bool) -> dict[str, Any] | OperationOutput:
        params = call.params
        record = self.find(self.check_bucket(params), params["Key"])
        check_read(params, record)
        members = record.members()
        for parameter, member in OVERRIDES.items():
            if parameter in params:
                members[member] = _header_value(parameter, params[parameter])
        start, end = 0, record.size
        chosen: tuple[int, int] | None = None
        proof: Checksum | None = record.checksum
        if "PartNumber" in params:
            if "Range" in params:
                raise ServiceError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
            chosen, proof = self._part(record, params["PartNumber"], members)
        elif "Range" in params:
            chosen = parse_range(params["Range"], record.size)
            proof = proof if chosen is None else None
        if chosen is not None:
            start, end = chosen
            if record.size:
                members["ContentRange"] = f"bytes {start}-{end - 1}/{record.size}"
        if proof is not None and params.get("ChecksumMode") == "ENABLED":
            members |= proof.members()
        members["ContentLength"] = end - start
        if with_body:
            members["Body"] = await self.body(record, start, end)
        return members if chosen is None else OperationOutput(members, 206)

    def _part(
        self, record: ObjectRecord, number: int, members: dict[str, Any]
    ) -> tuple[tuple[int, int], Checksum | None]:
        """Return a part's byte range and checksum; an object from a single PutObject is its own part 1."""
        parts = self.parts(record.upload) if record.upload else []
        if not 1 <= number <= max(len(parts), 1):
            raise ServiceError(
                "InvalidPartNumber",
                "The requested partnumber is not satisfiable",
                416,
                ActualPartCount=max(len(parts), 1),
                PartNumberRequested=number,
            )
        if not parts:
            return (0, record.size), record.checksum
        members["PartsCount"] = len(parts)
        start = sum(part["size"] for part in parts[: number - 1])
        part = parts[number - 1]
        return (start, start + part["size"]), Checksum(
            record.checksum.algorithm, part["checksum"], record.checksum.kind
        )

    def parts(self, upload: str) -> list[sqlite3.Row]:
        """Return an upload's parts, sorted by number."""
        return self.store.rows(
            "SELECT number, size, md5, checksum, file, modified FROM s3_parts WHERE upload = ? ORDER BY number", upload
        )

    async def body(self, record: ObjectRecord, start: int = 0, end: int | None = None) -> Body:
        """Return bytes `start` to `end` (exclusive) of an object.

        Call it without awaiting anything after `find`, so that the files still exist. Raises S3's InternalError, and
        logs the object's name, if one of its files is damaged.
        """
        end = record.size if end is None else end
        if record.data is not None:
            return record.data if end - start == record.size else record.data[start:end]
        if record.file is not None:
            return await self._read(record, [ByteRange(record.file, start, end - start, record.size)])
        segments: list[ByteRange] = []
        offset = 0
        for part in self.parts(record.upload or ""):
            first, last = max(start - offset, 0), min(end - offset, part["size"])
            if first < last:
                segments.append(ByteRange(part["file"], first, last - first, part["size"]))
            offset += part["size"]
        return await self._read(record, segments)

    async def _read(self, record: ObjectRecord, segments: list[ByteRange]) -> AsyncIterator[bytes]:
        try:
            return await self.files.read(segments)
        except DamagedFileError as damage:
            log.error("The object %r is damaged: %s.", f"s3://{record.bucket}/{record.key}", damage)
            raise errors.internal_error() from None

    async def delete_object(self, call: OperationCall) -> dict[str, Any]:
        """Delete an object; succeeds if it does not exist."""
        params = call.params
        bucket = self.check_bucket(params)
        await self._delete(call, bucket, [(params["Key"], params)])
        return {}

    async def delete_objects(self, call: OperationCall) -> dict[str, Any]:
        """Delete up to 1,000 objects in one transaction; conditions that fail are reported per key."""
        params = call.params
        bucket = self.check_bucket(params)
        entries = params["Delete"].get("Objects", [])
        if not 1 <= len(entries) <= 1000:
            raise errors.malformed_xml()
        there = [entry for entry in entries if entry.get("VersionId", "null") == "null"]
        failed = await self._delete(
            call, bucket, [(entry["Key"], {"IfMatch": entry.get("ETag")}) for entry in there], strict=False
        )
        deleted = [] if params["Delete"].get("Quiet") else [entry for entry in there if entry["Key"] not in failed]
        return {
            "Deleted": [{"Key": entry["Key"], "VersionId": entry.get("VersionId")} for entry in deleted],
            "Errors": [{"Key": key, "Code": error.code, "Message": error.message} for key, error in failed.items()]
            + [
                {
                    "Key": entry["Key"],
                    "VersionId": entry["VersionId"],
                    "Code": "NoSuchVersion",
                    "Message": "The specified version does not exist.",
                }
                for entry in entries
                if entry not in there
            ],
        }

    async def _delete(
        self, call: OperationCall, bucket: str, entries: list[tuple[str, Mapping[str, Any]]], *, strict: bool = True
    ) -> dict[str, ServiceError]:
        failed: dict[str, ServiceError] = {}

        def delete(connection: sqlite3.Connection) -> list[str]:
            doomed: list[str] = []
            for key, conditions in entries:
                old = find_object(connection, bucket, key)
                try:
                    check_write({"IfMatch": conditions.get("IfMatch")}, old, key)
                except ServiceError as error:
                    if strict:
                        raise
                    failed[key] = error
                    continue
                if old is not None:
                    doomed += discard(connection, old)
                    connection.execute("DELETE FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key))
                    self.notifier.store(connection, "ObjectRemoved:Delete", call, old)
            return doomed

        await self.files.remove(await self.store.write(delete))
        self.notifier.wake(bucket)
        return failed

    async def download(self, bucket: str, key: str, path: Path) -> None:
        """Write an object to a local file, for a service of this cloud; the file's folder is created if missing."""
        record = self.find(self.check_bucket({"Bucket": bucket}), key)
        body = await self.body(record)
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
    ) -> dict[str, Any]:
        """Put a local file as an object, for a service of this cloud; return PutObject's response.

        `open_file` opens the file and runs in a thread. Bytes appended after it was opened are not read, because
        another program may still be writing.
        """
        params = {"Bucket": bucket, "Key": key, "Body": _read_chunks(open_file), "ContentType": content_type}
        caller = self.cloud.credentials.root(self.cloud.settings.account)
        return await self.put_object(OperationCall(operation="PutObject", params=params, caller=caller, request_id=""))


def check_key(key: str) -> None:
    """Raise `KeyTooLongError` if a key has more than 1,024 bytes."""
    if (size := len(key.encode())) > 1024:
        raise ServiceError("KeyTooLongError", "Your key is too long", Size=size, MaxSizeAllowed=1024)


def _header_value(parameter: str, value: Any) -> Any:
    """Return a response header that a request sets; raises `InvalidArgument` if a header cannot have the value."""
    if isinstance(value, str) and _NOT_IN_HEADER.search(value):
        name = "response-" + "-".join(re.findall("[A-Z][a-z]+", parameter)[1:]).lower()
        raise errors.invalid_argument("Header value cannot be represented using ISO-8859-1.", name, value)
    return value


def _content_md5(params: Mapping[str, Any]) -> bytes | None:
    header = params.get("ContentMD5")
    if header is None:
        return None
    try:
        digest = base64.b64decode(header, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 16:
        raise ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.", ContentMD5=header)
    return digest


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
