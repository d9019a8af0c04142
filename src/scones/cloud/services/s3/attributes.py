"""Metadata operations on objects: tags, ACL and attributes."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

from scones.cloud.core.store import Store
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.checksum import Checksum
from scones.cloud.services.s3.customer_keys import check_key
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.services.s3.parts import part_number_marker, parts_of
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.tags import OBJECT_TAGS, check_tags
from scones.cloud.wire.members import Members


class ObjectAttributeOperations:
    """Object tagging, GetObjectAcl and GetObjectAttributes."""

    def __init__(self, store: Store, buckets: BucketRecords, objects: StoredObjects) -> None:
        self._store = store
        self._buckets = buckets
        self._objects = objects

    async def put_object_tagging(self, call: OperationCall) -> Members:
        """Replace an object's tags."""
        await self._set_tags(call, check_tags(call.params["Tagging"].get("TagSet", []), OBJECT_TAGS))
        return {}

    async def delete_object_tagging(self, call: OperationCall) -> Members:
        """Remove an object's tags."""
        await self._set_tags(call, "[]")
        return {}

    async def get_object_tagging(self, call: OperationCall) -> Members:
        """Return an object's tags."""
        return {"TagSet": json.loads(self._record(call).tags)}

    async def get_object_acl(self, call: OperationCall) -> Members:
        """Return an object's ACL: the owner has full control, and no other ACL is possible."""
        self._record(call)
        return self._buckets.acl()

    async def get_object_attributes(self, call: OperationCall) -> Members:
        """Return the requested attributes of an object."""
        params = call.params
        record = self._record(call)
        check_key(params, record.headers)
        requested = set(params["ObjectAttributes"])
        found: Members = {
            "ETag": record.etag,
            "Checksum": _without_part_count(record.checksum).members(),
            "StorageClass": record.storage_class,
            "ObjectSize": record.size,
            "ObjectParts": self._object_parts(call, record) if record.upload else None,
        }
        chosen = {name: value for name, value in found.items() if name in requested}
        return {"LastModified": record.modified // 1000, **chosen}

    def _object_parts(self, call: OperationCall, record: ObjectRecord) -> Members:
        """Return the parts of an object; S3 lists them only if they have checksums, which composite checksums need."""
        limit, marker = min(call.params.get("MaxParts", 1000), 1000), part_number_marker(call.params)
        parts = parts_of(self._store, record.upload or "")
        if record.checksum.kind != "COMPOSITE":
            return {"TotalPartsCount": len(parts)}
        remaining = parts[marker:]
        page = remaining[:limit]
        return {
            "TotalPartsCount": len(parts),
            "PartNumberMarker": marker,
            "NextPartNumberMarker": marker + len(page),
            "MaxParts": limit,
            "IsTruncated": len(page) < len(remaining),
            "Parts": [
                {
                    "PartNumber": marker + index,
                    "Size": part["size"],
                    f"Checksum{record.checksum.algorithm}": part["checksum"],
                }
                for index, part in enumerate(page, 1)
            ],
        }

    def _record(self, call: OperationCall) -> ObjectRecord:
        return self._objects.find(self._buckets.requested(call.params), call.params["Key"])

    async def _set_tags(self, call: OperationCall, tags: str) -> None:
        bucket, key = self._buckets.requested(call.params), call.params["Key"]

        def write(connection: sqlite3.Connection) -> None:
            changed = connection.execute(
                "UPDATE s3_objects SET tags = ? WHERE bucket = ? AND key = ?", (tags, bucket, key)
            ).rowcount
            if not changed:
                raise errors.no_such_key(key)

        await self._store.write(write)


def _without_part_count(checksum: Checksum) -> Checksum:
    """Return a checksum without the `-N` of composite checksums."""
    return replace(checksum, value=checksum.value.partition("-")[0])
