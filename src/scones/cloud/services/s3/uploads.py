"""Multipart uploads."""

from __future__ import annotations

import json
import sqlite3
import uuid
from urllib.parse import quote

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import now_ms
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import checksum, errors
from scones.cloud.services.s3.acl_operations import AccessControl
from scones.cloud.services.s3.body_files import ReceivedBody
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.checksum import COMPOSITE_ONLY, FULL_OBJECT_ONLY
from scones.cloud.services.s3.completion import (
    assembled,
    check_checksum_type,
    check_conflict,
    check_full_object,
    selected_parts,
)
from scones.cloud.services.s3.conditions import check_conditional_write, check_write
from scones.cloud.services.s3.copy_sources import CopySources
from scones.cloud.services.s3.customer_keys import check_key_of_part
from scones.cloud.services.s3.encryption import ObjectEncryption
from scones.cloud.services.s3.incoming_bodies import IncomingBodies
from scones.cloud.services.s3.object_record import ObjectRecord, check_key, find_object, headers_of
from scones.cloud.services.s3.parts import check_number
from scones.cloud.services.s3.ranges import parse_copy_range
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.tags import tags_in_header
from scones.cloud.services.s3.upload_records import (
    INITIATOR,
    MultipartUpload,
    UploadRecords,
    find_upload,
    initiator,
)
from scones.cloud.services.s3.version_ids import issued
from scones.cloud.wire.members import Members


class UploadOperations:
    """The operations that start, fill, complete and abort multipart uploads."""

    def __init__(
        self,
        cloud: CloudContext,
        *,
        buckets: BucketRecords,
        objects: StoredObjects,
        uploads: UploadRecords,
        sources: CopySources,
        bodies: IncomingBodies,
        encryption: ObjectEncryption,
        access: AccessControl,
    ) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._buckets = buckets
        self._objects = objects
        self._uploads = uploads
        self._sources = sources
        self._bodies = bodies
        self._encryption = encryption
        self._access = access

    async def create_multipart_upload(self, call: OperationCall) -> Members:
        """Start an upload."""
        params = call.params
        bucket = self._buckets.requested(params)
        check_key(params["Key"])
        algorithm = checksum.require(params.get("ChecksumAlgorithm", checksum.DEFAULT))
        kind = _checksum_type(algorithm, params.get("ChecksumType"), chosen="ChecksumAlgorithm" in params)
        settings = self._encryption.requested(bucket, params) | self._access.requested(bucket, params)
        upload = MultipartUpload(
            id=f"{uuid.uuid4().hex}{uuid.uuid4().hex}",
            bucket=bucket,
            key=params["Key"],
            initiated=now_ms(),
            storage_class=params.get("StorageClass", "STANDARD"),
            checksum_algorithm=algorithm,
            checksum_type=kind,
            client_chose_algorithm="ChecksumAlgorithm" in params,
            headers=json.dumps(
                headers_of({**params, **settings}) | {INITIATOR: initiator(call.caller, self._buckets.owner)}
            ),
            tags=tags_in_header(params["Tagging"]) if "Tagging" in params else "[]",
        )
        await self._uploads.add(upload)
        chosen = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if upload.client_chose_algorithm else {}
        return {"Bucket": bucket, "Key": upload.key, "UploadId": upload.id, **upload.encryption(), **chosen}

    async def upload_part(self, call: OperationCall) -> Members:
        """Write a part, replacing any part with the same number."""
        params = call.params
        upload = self._uploads.requested(params)
        check_number(params["PartNumber"])
        check_key_of_part(params, upload.encryption())
        sent = checksum.announced(params, call.headers)
        if sent is not None and upload.client_chose_algorithm and sent != upload.checksum_algorithm:
            raise ServiceError(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: {upload.checksum_algorithm.lower()}, "
                f"actual checksum Type: {sent.lower()}",
            )
        algorithms = [upload.checksum_algorithm, *([sent] if sent else [])]
        content = await self._bodies.receive(call, *algorithms, small=0)
        await self._put_part(upload, params["PartNumber"], content)
        response_algorithm = sent or (upload.checksum_algorithm if upload.client_chose_algorithm else None)
        proof = (
            {f"Checksum{response_algorithm}": checksum.encode(content.digests[response_algorithm])}
            if response_algorithm
            else {}
        )
        return {"ETag": f'"{content.md5.hex()}"', **upload.encryption(), **proof}

    async def upload_part_copy(self, call: OperationCall) -> Members:
        """Write a part by copying an object or a range of it."""
        params = call.params
        upload = self._uploads.requested(params)
        check_number(params["PartNumber"])
        check_key_of_part(params, upload.encryption())
        source = self._sources.find(params)
        start, end = 0, source.size
        if "CopySourceRange" in params:
            start, end = parse_copy_range(params["CopySourceRange"], source.size)
        body = await self._objects.body(source, start, end)
        content = await self._bodies.copy(body, upload.checksum_algorithm, small=0)
        modified = await self._put_part(upload, params["PartNumber"], content)
        name = upload.checksum_algorithm
        proof = {f"Checksum{name}": checksum.encode(content.digests[name])} if upload.client_chose_algorithm else {}
        result = {"ETag": f'"{content.md5.hex()}"', "LastModified": modified // 1000, **proof}
        return {
            "CopyPartResult": result,
            "CopySourceVersionId": issued(source.version),
            **upload.encryption(),
        }

    async def complete_multipart_upload(self, call: OperationCall) -> Members:
        """Create the object from the named parts, in their order; no bytes are copied."""
        params = call.params
        bucket, key = self._buckets.requested(params), params["Key"]
        check_conditional_write(params)
        named_parts = params.get("MultipartUpload", {}).get("Parts", [])

        def write(connection: sqlite3.Connection) -> tuple[ObjectRecord, str, list[str]]:
            done = find_object(connection, bucket, key)
            if done is not None and done.upload == params["UploadId"]:  # a retry: the first response was lost
                return done, done.version, []
            upload = find_upload(connection, params)
            if not named_parts:
                raise _no_parts(params)
            check_checksum_type(params, upload)
            rows = connection.execute("SELECT * FROM s3_parts WHERE upload = ? ORDER BY number", (upload.id,))
            parts = {row["number"]: row for row in rows}
            chosen = selected_parts(named_parts, parts, upload)
            record = assembled(upload, chosen)
            check_write(params, done, key)
            check_conflict(connection, params, upload)
            check_full_object(params, record)
            version, doomed = self._objects.write(connection, record, call, "ObjectCreated:CompleteMultipartUpload")
            kept = {part["number"] for part in chosen}
            for number in parts.keys() - kept:
                connection.execute("DELETE FROM s3_parts WHERE upload = ? AND number = ?", (upload.id, number))
                doomed.append(parts[number]["file"])
            connection.execute("DELETE FROM s3_uploads WHERE id = ?", (upload.id,))
            return record, version, doomed

        record, version, doomed = await self._store.write(write)
        await self._objects.after_change(bucket, doomed)
        return {
            "Location": f"{self._cloud.url}/{bucket}/{quote(key)}",
            "Bucket": bucket,
            "Key": key,
            "ETag": f'"{record.etag}"',
            "VersionId": issued(version),
            "Expiration": self._objects.expiration(record),
            **record.encryption(),
            **record.checksum_members(),
        }

    async def abort_multipart_upload(self, call: OperationCall) -> Members:
        """Abort an upload and delete its parts."""
        await self._uploads.delete(call.params)
        return {}

    async def _put_part(self, upload: MultipartUpload, number: int, content: ReceivedBody) -> int:
        """Store a part and return its time in milliseconds since 1970; drop its body if the upload has ended."""
        try:
            return await self._uploads.put_part(upload, number, content)
        except ServiceError:
            await self._bodies.drop(content)
            raise


def _no_parts(params: Members) -> ServiceError:
    """Return the error for a completion without parts: without a document, or with one that names none."""
    if "MultipartUpload" in params:
        return errors.malformed_xml()
    return ServiceError("InvalidRequest", "You must specify at least one part")


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
