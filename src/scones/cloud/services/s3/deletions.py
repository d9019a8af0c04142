"""Deletions of objects and versions."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecord, versioning_of
from scones.cloud.services.s3.changed_object import ChangedObject
from scones.cloud.services.s3.conditions import check_write
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.object_record import ObjectRecord, find_object
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.upload_records import mark_conflicts
from scones.cloud.services.s3.version_ids import NULL
from scones.cloud.services.s3.versions import (
    DeleteMarker,
    add_marker,
    check_version_id,
    discard_body,
    find_version,
    push_current,
    remove_version,
    replace_null_version,
    was_issued,
)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A request to delete a key, or one version of it, if its ETag is the expected one.

    `of_batch` is True for DeleteObjects, which also sends notifications for keys without an object.
    """

    key: str
    version: str | None = None
    etag: str | None = None
    of_batch: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """The result of a deletion: the version that was removed or added, and True if it is a delete marker."""

    version: str | None = None
    marker: bool = False


class ObjectDeletions:
    """Deletes objects and versions, and adds delete markers in buckets with versioning."""

    def __init__(self, store: Store, objects: StoredObjects, notifier: Notifier) -> None:
        self._store = store
        self._objects = objects
        self._notifier = notifier

    async def delete(self, call: OperationCall, bucket: BucketRecord, deletion: Deletion) -> Deleted:
        """Delete a key or a version; raises the error of a condition that fails."""
        if deletion.version is not None:
            check_version_id(bucket, deletion.version)
        (result,) = await self.delete_all(call, bucket, [deletion])
        if isinstance(result, ServiceError):
            raise result
        return result

    async def delete_all(
        self, call: OperationCall | None, bucket: BucketRecord, deletions: list[Deletion]
    ) -> list[Deleted | ServiceError]:
        """Delete keys or versions in one transaction; return the result of each, in their order.

        Deletions without a call come from a lifecycle rule; they send no notifications.
        """

        def delete(connection: sqlite3.Connection) -> tuple[list[Deleted | ServiceError], list[str]]:
            versioning = versioning_of(connection, bucket.name)
            results: list[Deleted | ServiceError] = []
            doomed: list[str] = []
            for deletion in deletions:
                try:
                    result, files = self._delete(connection, call, BucketRecord(bucket.name, versioning), deletion)
                except ServiceError as error:
                    results.append(error)
                else:
                    results.append(result)
                    doomed += files
            return results, doomed

        results, doomed = await self._store.write(delete)
        await self._objects.after_change(bucket.name, doomed)
        return results

    def _delete(
        self, connection: sqlite3.Connection, call: OperationCall | None, bucket: BucketRecord, deletion: Deletion
    ) -> tuple[Deleted, list[str]]:
        if not bucket.versioning:
            return self._delete_object(connection, call, bucket, deletion)
        if deletion.version is None:
            return self._mark(connection, call, bucket, deletion)
        return self._delete_version(connection, call, bucket, deletion, deletion.version)

    def _delete_object(
        self, connection: sqlite3.Connection, call: OperationCall | None, bucket: BucketRecord, deletion: Deletion
    ) -> tuple[Deleted, list[str]]:
        """Remove an object of a bucket without versioning."""
        key, version = deletion.key, deletion.version
        if version is not None and not was_issued(bucket, version):
            raise errors.no_such_version(key, version)
        old = find_object(connection, bucket.name, key)
        check_write({"IfMatch": deletion.etag}, old, key)
        if old is None and not deletion.of_batch:
            return Deleted(version), []
        doomed = discard_body(connection, old) if old else []
        connection.execute("DELETE FROM s3_objects WHERE bucket = ? AND key = ?", (bucket.name, key))
        mark_conflicts(connection, bucket.name, key)
        changed = ChangedObject(bucket.name, key, NULL)
        if call is not None:
            self._notifier.store(connection, "ObjectRemoved:Delete", call, changed)
        return Deleted(version), doomed

    def _mark(
        self, connection: sqlite3.Connection, call: OperationCall | None, bucket: BucketRecord, deletion: Deletion
    ) -> tuple[Deleted, list[str]]:
        """Add a delete marker, which replaces the null version if versioning is suspended."""
        key = deletion.key
        current = find_object(connection, bucket.name, key)
        check_write({"IfMatch": deletion.etag}, current, key)
        doomed: list[str] = []
        suspended = bucket.versioning == "Suspended"
        if suspended:
            position, doomed = replace_null_version(connection, current, bucket.name, key)
        else:
            position = push_current(connection, current, bucket.name, key)
        mark_conflicts(connection, bucket.name, key)
        marker = add_marker(connection, bucket.name, key, position, null=suspended)
        changed = ChangedObject.marked(bucket.name, key, marker.version)
        if call is not None:
            self._notifier.store(connection, "ObjectRemoved:DeleteMarkerCreated", call, changed)
        return Deleted(marker.version, marker=True), doomed

    def _delete_version(
        self,
        connection: sqlite3.Connection,
        call: OperationCall | None,
        bucket: BucketRecord,
        deletion: Deletion,
        version: str,
    ) -> tuple[Deleted, list[str]]:
        """Remove a version or a delete marker; succeeds if it was removed before."""
        key = deletion.key
        if not was_issued(bucket, version):
            raise errors.no_such_version(key, version)
        found = find_version(connection, bucket.name, key, version)
        if isinstance(found, ObjectRecord):
            check_write({"IfMatch": deletion.etag}, found, key)
        result = Deleted(version, marker=isinstance(found, DeleteMarker))
        if found is None:
            return result, []
        doomed = remove_version(connection, bucket.name, key, found)
        mark_conflicts(connection, bucket.name, key)
        changed = ChangedObject(bucket.name, key, found.version)
        if call is not None:
            self._notifier.store(connection, "ObjectRemoved:Delete", call, changed)
        return result, doomed
