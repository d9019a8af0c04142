"""Operations on single objects: put, get, head, delete."""

from __future__ import annotations

import re

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.s3 import checksum, errors
from scones.cloud.services.s3.acl_operations import AccessControl
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.checksum import Checksum
from scones.cloud.services.s3.conditions import check_conditional_delete, check_conditional_write, check_read
from scones.cloud.services.s3.customer_keys import check_key as check_key_of_customer
from scones.cloud.services.s3.deletions import Deletion, ObjectDeletions
from scones.cloud.services.s3.encryption import ObjectEncryption
from scones.cloud.services.s3.incoming_bodies import IncomingBodies
from scones.cloud.services.s3.object_record import ObjectRecord, check_key
from scones.cloud.services.s3.parts import parts_of
from scones.cloud.services.s3.ranges import parse_range
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.tags import tags_in_header
from scones.cloud.services.s3.version_ids import issued
from scones.cloud.wire.members import Members

_NOT_IN_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


class ObjectOperations:
    """PutObject, GetObject, HeadObject, DeleteObject and DeleteObjects."""

    def __init__(
        self,
        store: Store,
        *,
        buckets: BucketRecords,
        objects: StoredObjects,
        deletions: ObjectDeletions,
        bodies: IncomingBodies,
        encryption: ObjectEncryption,
        access: AccessControl,
    ) -> None:
        self._store = store
        self._buckets = buckets
        self._objects = objects
        self._deletions = deletions
        self._bodies = bodies
        self._encryption = encryption
        self._access = access

    async def put_object(self, call: OperationCall) -> Members:
        """Write an object; it is on disk when this returns."""
        return await self._put(call, "ObjectCreated:Put")

    async def post_object(self, call: OperationCall) -> Members:
        """Write the object of an HTML form, as PutObject does; see `BrowserUploadRoute`."""
        return await self._put(call, "ObjectCreated:Post")

    async def _put(self, call: OperationCall, event: str) -> Members:
        params = call.params
        bucket = self._buckets.requested(params)
        check_key(params["Key"])
        check_conditional_write(params)
        settings = self._encryption.requested(bucket, params) | self._access.requested(bucket, params)
        tags = tags_in_header(params["Tagging"]) if "Tagging" in params else "[]"
        content = await self._bodies.receive(call, checksum.announced(params, call.headers) or checksum.DEFAULT)
        try:
            record = ObjectRecord.received(bucket, {**params, **settings}, content, tags)
            version = await self._objects.replace(record, call, event)
        except BaseException:
            await self._bodies.drop(content)
            raise
        return {
            "ETag": f'"{record.etag}"',
            "VersionId": issued(version),
            "Expiration": self._objects.expiration(record),
            **record.encryption(),
            **record.checksum.members(),
        }

    async def head_object(self, call: OperationCall) -> Members | OperationOutput:
        """Return GetObject's response without the body."""
        return await self._get(call, with_body=False)

    async def get_object(self, call: OperationCall) -> Members | OperationOutput:
        """Return an object, a range of it, or a part of it."""
        return await self._get(call, with_body=True)

    async def _get(self, call: OperationCall, *, with_body: bool) -> Members | OperationOutput:
        params = call.params
        bucket = self._buckets.find(params)
        method = "GET" if with_body else "HEAD"
        record = self._objects.find(bucket, params["Key"], params.get("VersionId"), method=method)
        check_key_of_customer(params, record.headers)
        check_read(params, record)
        if with_body and record.is_archived:
            message = "The operation is not valid for the object's storage class"
            raise errors.not_retrievable(record.storage_class, message)
        members = record.members() | {"VersionId": bucket.shown(record.version)}
        if "VersionId" not in params:
            members["Expiration"] = self._objects.expiration(record)
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
            proof = proof if chosen in (None, (0, record.size)) else None
        if chosen is not None:
            start, end = chosen
            if record.size:
                members["ContentRange"] = f"bytes {start}-{end - 1}/{record.size}"
        if proof is not None and params.get("ChecksumMode") == "ENABLED":
            members |= record.checksum_members() if proof is record.checksum else proof.members()
        members["ContentLength"] = end - start
        if with_body:
            members["Body"] = await self._objects.body(record, start, end)
        return members if chosen is None else OperationOutput(members, 206)

    def _part(self, record: ObjectRecord, number: int, members: Members) -> tuple[tuple[int, int], Checksum | None]:
        """Return a part's byte range and checksum; an object from a single PutObject is its own part 1."""
        parts = parts_of(self._store, record.upload) if record.upload else []
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
        if record.checksum.kind != "COMPOSITE":  # most recordings of AWS have no checksum of such a part
            return (start, start + part["size"]), None
        return (start, start + part["size"]), Checksum(
            record.checksum.algorithm, part["checksum"], record.checksum.kind
        )

    def exists(self, bucket: str, key: str) -> bool:
        """Return True if a key has a current object."""
        return self._store.row("SELECT 1 FROM s3_objects WHERE bucket = ? AND key = ?", bucket, key) is not None

    async def delete_object(self, call: OperationCall) -> Members:
        """Delete an object or a version; succeeds if it does not exist."""
        params = call.params
        bucket = self._buckets.find(params)
        check_conditional_delete(params)
        deletion = Deletion(params["Key"], params.get("VersionId"), params.get("IfMatch"))
        deleted = await self._deletions.delete(call, bucket, deletion)
        if not bucket.versioning:
            return {}
        return {"DeleteMarker": deleted.marker or None, "VersionId": deleted.version}

    async def delete_objects(self, call: OperationCall) -> Members:
        """Delete up to 1,000 objects or versions in one transaction; failures are reported per entry."""
        params = call.params
        bucket = self._buckets.find(params)
        check_conditional_delete(params)
        entries = params["Delete"].get("Objects", [])
        if not 1 <= len(entries) <= 1000:
            raise errors.malformed_xml()
        deletions = [
            Deletion(entry["Key"], entry.get("VersionId"), entry.get("ETag"), of_batch=True) for entry in entries
        ]
        deleted: list[Members] = []
        failed: list[Members] = []
        results = await self._deletions.delete_all(call, bucket, deletions)
        for deletion, result in zip(deletions, results, strict=True):
            named: Members = {"Key": deletion.key, "VersionId": deletion.version}
            if isinstance(result, ServiceError):
                failed.append({**named, "Code": result.code, "Message": result.message})
            elif result.marker:
                deleted.append({**named, "DeleteMarker": True, "DeleteMarkerVersionId": result.version})
            else:
                deleted.append(named)
        return {"Deleted": [] if params["Delete"].get("Quiet") else deleted, "Errors": failed}


def _header_value(parameter: str, value: str) -> str:
    """Return a response header that a request sets; raises `InvalidArgument` if a header cannot have the value."""
    if _NOT_IN_HEADER.search(value):
        name = "response-" + "-".join(re.findall("[A-Z][a-z]+", parameter)[1:]).lower()
        raise errors.invalid_argument("Header value cannot be represented using ISO-8859-1.", name, value)
    return value
