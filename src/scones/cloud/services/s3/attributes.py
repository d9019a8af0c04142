"""Metadata operations on objects: tags and attributes."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecord, BucketRecords
from scones.cloud.services.s3.changed_object import ChangedObject
from scones.cloud.services.s3.checksum import Checksum
from scones.cloud.services.s3.customer_keys import check_key
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.services.s3.parts import part_number_marker, parts_of
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.tags import OBJECT_TAGS, check_tags
from scones.cloud.wire.members import Members


class ObjectAttributeOperations:
    """Object tagging and GetObjectAttributes."""

    def __init__(self, store: Store, *, buckets: BucketRecords, objects: StoredObjects, notifier: Notifier) -> None:
        self._store = store
        self._notifier = notifier
        self._buckets = buckets
        self._objects = objects

    async def put_object_tagging(self, call: OperationCall) -> Members:
        """Replace an object's tags."""
        tags = check_tags(call.params["Tagging"].get("TagSet", []), OBJECT_TAGS)
        return await self._set_tags(call, tags, method="PUT")

    async def delete_object_tagging(self, call: OperationCall) -> Members:
        """Remove an object's tags."""
        return await self._set_tags(call, "[]", method="DELETE")

    async def get_object_tagging(self, call: OperationCall) -> Members:
        """Return an object's tags."""
        bucket, key = self._buckets.find(call.params), call.params["Key"]
        try:
            record = self._tagged(call, bucket, "GET")
        except ServiceError as error:
            if error.code == "NoSuchKey":  # S3 names the bucket, too, in this error only
                raise errors.no_such_key(f"{bucket.name}/{key}") from error
            raise
        return {"TagSet": json.loads(record.tags), "VersionId": bucket.shown(record.version)}

    async def get_object_attributes(self, call: OperationCall) -> Members:
        """Return the requested attributes of an object."""
        params = call.params
        bucket = self._buckets.find(params)
        record = self._objects.find(bucket, params["Key"], params.get("VersionId"))
        check_key(params, record.headers)
        requested = set(params["ObjectAttributes"])
        found: Members = {
            "ETag": record.etag,
            "Checksum": _without_part_count(record.checksum).members(),
            "ObjectParts": self._object_parts(call, record) if record.upload else None,
            "StorageClass": record.storage_class,
            "ObjectSize": record.size,
        }
        chosen = {name: value for name, value in found.items() if name in requested}
        return {"LastModified": record.modified // 1000, "VersionId": bucket.shown(record.version), **chosen}

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
            "NextPartNumberMarker": marker + len(page) if page else 0,
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

    def _tagged(self, call: OperationCall, bucket: BucketRecord, method: str) -> ObjectRecord:
        """Return the version whose tags a request names; a delete marker has no tags."""
        version = call.params.get("VersionId")
        return self._objects.find(bucket, call.params["Key"], version, method=method, marker_is_missing=False)

    async def _set_tags(self, call: OperationCall, tags: str, *, method: str) -> Members:
        bucket, key = self._buckets.find(call.params), call.params["Key"]
        record = self._tagged(call, bucket, method)
        changed, event = ChangedObject.described(record), f"ObjectTagging:{method.capitalize()}"

        def write(connection: sqlite3.Connection) -> None:
            for table in ("s3_objects", "s3_versions"):
                updated = connection.execute(
                    f"UPDATE {table} SET tags = ? WHERE bucket = ? AND key = ? AND version = ?",  # noqa: S608 - constant
                    (tags, bucket.name, key, record.version),
                ).rowcount
                if updated:
                    self._notifier.store(connection, event, call, changed)
                    return
            raise errors.no_such_key(key)

        await self._store.write(write)
        self._notifier.wake(bucket.name)
        return {"VersionId": bucket.shown(record.version)}


def _without_part_count(checksum: Checksum) -> Checksum:
    """Return a checksum without the `-N` of composite checksums."""
    return replace(checksum, value=checksum.value.partition("-")[0])
