"""Multipart uploads."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from scones.cloud.core.text_order import Bound, successor
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import checksum, errors
from scones.cloud.services.s3.base import discard_parts, now, replace
from scones.cloud.services.s3.body_files import ReceivedBody
from scones.cloud.services.s3.checksum import COMPOSITE_ONLY, FULL_OBJECT_ONLY
from scones.cloud.services.s3.copies import CopyOperations, chunks
from scones.cloud.services.s3.object_record import ObjectRecord, find_object, headers_of
from scones.cloud.services.s3.objects import check_key
from scones.cloud.services.s3.ranges import parse_copy_range
from scones.cloud.services.s3.scan import ListingEntry, later, listing_entries, start_after
from scones.cloud.services.s3.tags import tags_in_header

SMALLEST_PART = 5 * 1024**2
"""Minimum number of bytes of every part except the last."""
LAST_NUMBER = 10_000
_UPLOADS = """
    SELECT * FROM s3_uploads WHERE bucket = ? AND (key, initiated, id) > (?, ?, ?) AND key < ?
    ORDER BY key, initiated, id
"""


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """An unfinished multipart upload. `chosen` is true if the client named the checksum algorithm."""

    id: str
    bucket: str
    key: str
    initiated: int
    storage_class: str
    checksum_algorithm: str
    checksum_type: str
    client_chose_algorithm: bool
    headers: str
    tags: str


class UploadOperations(CopyOperations):
    """The operations on multipart uploads."""

    async def create_multipart_upload(self, call: OperationCall) -> dict[str, Any]:
        """Start an upload."""
        params = call.params
        bucket = self.check_bucket(params)
        check_key(params["Key"])
        algorithm = checksum.require(params.get("ChecksumAlgorithm", checksum.DEFAULT))
        kind = _checksum_type(algorithm, params.get("ChecksumType"), chosen="ChecksumAlgorithm" in params)
        upload = MultipartUpload(
            id=f"{uuid.uuid4().hex}{uuid.uuid4().hex}",
            bucket=bucket,
            key=params["Key"],
            initiated=now(),
            storage_class=params.get("StorageClass", "STANDARD"),
            checksum_algorithm=algorithm,
            checksum_type=kind,
            client_chose_algorithm="ChecksumAlgorithm" in params,
            headers=json.dumps(headers_of(params)),
            tags=tags_in_header(params["Tagging"]) if "Tagging" in params else "[]",
        )
        values = [getattr(upload, name) for name in MultipartUpload.__slots__]
        await self.store.execute(f"INSERT INTO s3_uploads VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608
        chosen = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if upload.client_chose_algorithm else {}
        return {"Bucket": bucket, "Key": upload.key, "UploadId": upload.id, **chosen}

    async def upload_part(self, call: OperationCall) -> dict[str, Any]:
        """Write a part, replacing any part with the same number."""
        params = call.params
        upload = self._upload(params)
        _check_number(params["PartNumber"])
        sent = checksum.announced(params, call.headers)
        if sent is not None and upload.client_chose_algorithm and sent != upload.checksum_algorithm:
            raise ServiceError(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: {upload.checksum_algorithm.lower()}, "
                f"actual checksum Type: {sent.lower()}",
            )
        named_parts = [upload.checksum_algorithm, *([sent] if sent else [])]
        content = await self.receive(call, *named_parts, small=0)
        await self._keep_part(upload, params["PartNumber"], content)
        response_algorithm = sent or (upload.checksum_algorithm if upload.client_chose_algorithm else None)
        proof = (
            {f"Checksum{response_algorithm}": checksum.encode(content.digests[response_algorithm])}
            if response_algorithm
            else {}
        )
        return {"ETag": f'"{content.md5.hex()}"', **proof}

    async def upload_part_copy(self, call: OperationCall) -> dict[str, Any]:
        """Write a part by copying an object or a range of it."""
        params = call.params
        upload = self._upload(params)
        _check_number(params["PartNumber"])
        source = self.source(params)
        start, end = 0, source.size
        if "CopySourceRange" in params:
            start, end = parse_copy_range(params["CopySourceRange"], source.size)
        body = chunks(await self.body(source, start, end))
        content = await self.files.receive(body, [upload.checksum_algorithm], small=0)
        modified = await self._keep_part(upload, params["PartNumber"], content)
        name = upload.checksum_algorithm
        proof = {f"Checksum{name}": checksum.encode(content.digests[name])} if upload.client_chose_algorithm else {}
        return {"CopyPartResult": {"ETag": f'"{content.md5.hex()}"', "LastModified": modified / 1000, **proof}}

    async def _keep_part(self, upload: MultipartUpload, number: int, content: ReceivedBody) -> int:
        modified = now()
        proof = checksum.encode(content.digests[upload.checksum_algorithm])

        def write(connection: sqlite3.Connection) -> list[str]:
            if connection.execute("SELECT 1 FROM s3_uploads WHERE id = ?", (upload.id,)).fetchone() is None:
                raise errors.no_such_upload(upload.id)
            old = connection.execute("SELECT file FROM s3_parts WHERE upload = ? AND number = ?", (upload.id, number))
            doomed = [row["file"] for row in old]
            connection.execute(
                "INSERT OR REPLACE INTO s3_parts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (upload.id, number, content.size, content.md5, proof, content.file, modified),
            )
            return doomed

        try:
            await self.files.remove(await self.store.write(write))
        except ServiceError:
            await self.drop(content)
            raise
        return modified

    async def complete_multipart_upload(self, call: OperationCall) -> dict[str, Any]:
        """Create the object from the named parts, in their order; no bytes are copied."""
        params = call.params
        bucket, key = self.check_bucket(params), params["Key"]
        named_parts = params.get("MultipartUpload", {}).get("Parts", [])
        if not named_parts:
            raise errors.malformed_xml()

        def write(connection: sqlite3.Connection) -> tuple[ObjectRecord, list[str]]:
            done = find_object(connection, bucket, key)
            if done is not None and done.upload == params["UploadId"]:  # a retry: the first response was lost
                return done, []
            upload = _find(connection, params)
            rows = connection.execute("SELECT * FROM s3_parts WHERE upload = ? ORDER BY number", (upload.id,))
            parts = {row["number"]: row for row in rows}
            chosen = _selected_parts(named_parts, parts, upload)
            record = _assembled(upload, chosen)
            _check_full_object(params, record)
            doomed = replace(connection, record, params)
            self.notifier.store(connection, "ObjectCreated:CompleteMultipartUpload", call, record)
            kept = {part["number"] for part in chosen}
            for number in parts.keys() - kept:
                connection.execute("DELETE FROM s3_parts WHERE upload = ? AND number = ?", (upload.id, number))
                doomed.append(parts[number]["file"])
            connection.execute("DELETE FROM s3_uploads WHERE id = ?", (upload.id,))
            return record, doomed

        record, doomed = await self.store.write(write)
        await self.files.remove(doomed)
        self.notifier.wake(bucket)
        return {
            "Location": f"{self.cloud.url}/{bucket}/{quote(key)}",
            "Bucket": bucket,
            "Key": key,
            "ETag": f'"{record.etag}"',
            **record.checksum.members(),
        }

    async def abort_multipart_upload(self, call: OperationCall) -> dict[str, Any]:
        """Abort an upload and delete its parts."""
        upload = self._upload(call.params)

        def delete(connection: sqlite3.Connection) -> list[str]:
            _find(connection, call.params)
            connection.execute("DELETE FROM s3_uploads WHERE id = ?", (upload.id,))
            return discard_parts(connection, upload.id)

        await self.files.remove(await self.store.write(delete))
        return {}

    async def list_parts(self, call: OperationCall) -> dict[str, Any]:
        """List an upload's parts in pages, sorted by number."""
        params = call.params
        upload = self._upload(params)
        limit, marker = min(params.get("MaxParts", 1000), 1000), part_number_marker(params)
        parts = self.store.rows(
            "SELECT * FROM s3_parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
            upload.id,
            marker,
            limit + 1,
        )
        page = parts[:limit]
        return {
            "Bucket": upload.bucket,
            "Key": upload.key,
            "UploadId": upload.id,
            "Initiator": self.owner,
            "Owner": self.owner,
            "StorageClass": upload.storage_class,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": page[-1]["number"] if page else 0,
            "MaxParts": limit,
            "IsTruncated": len(page) < len(parts),
            "ChecksumAlgorithm": upload.checksum_algorithm if upload.client_chose_algorithm else None,
            "ChecksumType": upload.checksum_type if upload.client_chose_algorithm else None,
            "Parts": [
                {
                    "PartNumber": part["number"],
                    "LastModified": part["modified"] / 1000,
                    "ETag": f'"{part["md5"].hex()}"',
                    "Size": part["size"],
                    f"Checksum{upload.checksum_algorithm}": part["checksum"] if upload.client_chose_algorithm else None,
                }
                for part in page
            ],
        }

    async def list_multipart_uploads(self, call: OperationCall) -> dict[str, Any]:
        """List unfinished uploads in pages, sorted by key and then by start time."""
        params = call.params
        bucket = self.check_bucket(params)
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        limit, key_marker = min(params.get("MaxUploads", 1000), 1000), params.get("KeyMarker", "")
        marker = self._marker(bucket, key_marker, params.get("UploadIdMarker"))
        if marker is None:
            marker = (later(prefix, start_after(prefix, delimiter, key_marker)), -1, "")
        end = successor(prefix)

        def read(connection: sqlite3.Connection) -> list[ListingEntry]:
            def rows(key: Bound, initiated: int = -1, upload: str = "") -> Iterator[sqlite3.Row]:
                return connection.execute(_UPLOADS, (bucket, key, initiated, upload, end))

            return listing_entries(rows(*marker), rows, prefix, delimiter, limit + 1)

        found = await self.store.read_on_thread_with(read) if limit else []
        truncated, listed = len(found) > limit, found[:limit]
        page = [self._listed(MultipartUpload(*entry.row)) for entry in listed if entry.row is not None]
        last = listed[-1] if truncated else None
        url = quote if params.get("EncodingType") == "url" else str
        for entry in page:
            entry["Key"] = url(entry["Key"])
        return {
            "Bucket": bucket,
            "KeyMarker": url(key_marker),
            "UploadIdMarker": params.get("UploadIdMarker", ""),
            "NextKeyMarker": url(last.name) if last else None,
            "NextUploadIdMarker": last.row["id"] if last and last.row is not None else None,
            "Prefix": url(prefix),
            "Delimiter": url(delimiter) if delimiter else None,
            "MaxUploads": limit,
            "IsTruncated": truncated,
            "EncodingType": params.get("EncodingType"),
            "Uploads": page,
            "CommonPrefixes": [{"Prefix": url(entry.name)} for entry in listed if entry.row is None],
        }

    def _marker(self, bucket: str, key: str, upload: str | None) -> tuple[Bound, int, str] | None:
        """Return the list position of a key's upload, or None if the upload does not exist or has ended."""
        row = self.store.row("SELECT bucket, key, initiated FROM s3_uploads WHERE id = ?", upload) if upload else None
        if upload is None or row is None or (row["bucket"], row["key"]) != (bucket, key):
            return None
        return key, row["initiated"], upload

    def _listed(self, upload: MultipartUpload) -> dict[str, Any]:
        return {
            "UploadId": upload.id,
            "Key": upload.key,
            "Initiated": upload.initiated / 1000,
            "StorageClass": upload.storage_class,
            "Owner": self.owner,
            "Initiator": self.owner,
            "ChecksumAlgorithm": upload.checksum_algorithm if upload.client_chose_algorithm else None,
            "ChecksumType": upload.checksum_type if upload.client_chose_algorithm else None,
        }

    def _upload(self, params: Mapping[str, Any]) -> MultipartUpload:
        bucket = self.check_bucket(params)
        row = self.store.row("SELECT * FROM s3_uploads WHERE id = ?", params["UploadId"])
        return _owned(row, bucket, params)


def _find(connection: sqlite3.Connection, params: Mapping[str, Any]) -> MultipartUpload:
    row = connection.execute("SELECT * FROM s3_uploads WHERE id = ?", (params["UploadId"],)).fetchone()
    return _owned(row, params["Bucket"], params)


def _owned(row: sqlite3.Row | None, bucket: str, params: Mapping[str, Any]) -> MultipartUpload:
    if row is None or (row["bucket"], row["key"]) != (bucket, params["Key"]):
        raise errors.no_such_upload(params["UploadId"])
    return MultipartUpload(*row)


def _checksum_type(algorithm: str, kind: str | None, *, chosen: bool) -> str:
    if kind is not None and not chosen:
        raise ServiceError(
            "InvalidRequest",
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )
    default = "FULL_OBJECT" if algorithm in FULL_OBJECT_ONLY else "COMPOSITE"
    refused = (kind == "FULL_OBJECT" and algorithm in COMPOSITE_ONLY) or (
        kind == "COMPOSITE" and algorithm in FULL_OBJECT_ONLY
    )
    if refused:
        raise ServiceError(
            "InvalidRequest",
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.",
        )
    return kind or default


def part_number_marker(params: Mapping[str, Any]) -> int:
    """Return the part number after which a listing of parts starts."""
    marker: int = params.get("PartNumberMarker", 0)
    if marker < 0:
        message = "Argument part-number-marker must be an integer between 0 and 2147483647"
        raise errors.invalid_argument(message, "part-number-marker", marker)
    return marker


def _check_number(number: int) -> None:
    if not 1 <= number <= LAST_NUMBER:
        raise errors.invalid_argument(
            f"Part number must be an integer between 1 and {LAST_NUMBER}, inclusive", "partNumber", number
        )


def _selected_parts(
    named_parts: list[dict[str, Any]], parts: Mapping[int, sqlite3.Row], upload: MultipartUpload
) -> list[sqlite3.Row]:
    """Return the parts that a client names; raises S3's error if their order, ETags, checksums or sizes are wrong."""
    if any("PartNumber" not in part or "ETag" not in part for part in named_parts):
        raise errors.malformed_xml()
    given = [part["PartNumber"] for part in named_parts]
    if any(later <= earlier for earlier, later in pairwise(given)):
        raise ServiceError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            UploadId=upload.id,
        )
    for part in named_parts:
        _check_part(part, parts.get(part["PartNumber"]), upload)
    for number in given[:-1]:
        if (size := parts[number]["size"]) < SMALLEST_PART:
            raise ServiceError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=size,
                MinSizeAllowed=SMALLEST_PART,
                PartNumber=number,
                ETag=parts[number]["md5"].hex(),
            )
    return [parts[number] for number in given]


def _check_part(part: Mapping[str, Any], found: sqlite3.Row | None, upload: MultipartUpload) -> None:
    number, etag, name = part["PartNumber"], part["ETag"].strip('"'), f"Checksum{upload.checksum_algorithm}"
    if upload.client_chose_algorithm and upload.checksum_type == "COMPOSITE" and name not in part:
        raise ServiceError(
            "InvalidRequest",
            f"The upload was created using a {upload.checksum_algorithm.lower()} checksum. The complete request must "
            f"include the checksum for each part. It was missing for part {number} in the request.",
        )
    if found is None or found["md5"].hex() != etag or part.get(name, found["checksum"]) != found["checksum"]:
        raise ServiceError(
            "InvalidPart",
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
            UploadId=upload.id,
            PartNumber=number,
            ETag=etag,
        )


def _assembled(upload: MultipartUpload, parts: list[sqlite3.Row]) -> ObjectRecord:
    digest = hashlib.md5(b"".join(part["md5"] for part in parts), usedforsecurity=False).hexdigest()
    algorithm = upload.checksum_algorithm
    if upload.checksum_type == "COMPOSITE":
        proof = checksum.composite(algorithm, [part["checksum"] for part in parts])
    else:
        proof = checksum.combined(algorithm, [(part["checksum"], part["size"]) for part in parts])
    return ObjectRecord(
        bucket=upload.bucket,
        key=upload.key,
        size=sum(part["size"] for part in parts),
        etag=f"{digest}-{len(parts)}",
        modified=now(),
        checksum=proof,
        storage_class=upload.storage_class,
        headers=json.loads(upload.headers),
        tags=upload.tags,
        upload=upload.id,
    )


def _check_full_object(params: Mapping[str, Any], record: ObjectRecord) -> None:
    """Raise an error if the object's size or checksum differs from the values that the client computed for it."""
    if (size := params.get("MpuObjectSize")) is not None and size != record.size:
        raise ServiceError(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {size} does not match what was computed: {record.size}",
        )
    sent = checksum.sent_in(params)
    if sent and sent[0] == record.checksum.algorithm and sent[1] != record.checksum.value:
        raise ServiceError("BadDigest", f"The {sent[0]} you specified did not match the calculated checksum.")
