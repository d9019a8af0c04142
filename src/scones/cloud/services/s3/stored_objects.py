"""Stored objects: look-up, bodies and replacement."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from scones.cloud.core.store import Store
from scones.cloud.service import Body, OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.body_files import BodyFiles, ByteRange, DamagedFileError
from scones.cloud.services.s3.bucket_records import BucketRecord, versioning_of
from scones.cloud.services.s3.changed_object import ChangedObject
from scones.cloud.services.s3.conditions import check_write, http_date
from scones.cloud.services.s3.lifecycle_configurations import LifecycleRules
from scones.cloud.services.s3.lifecycle_rules import Candidate, expiration_header
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.object_record import COLUMNS, ObjectRecord, find_object
from scones.cloud.services.s3.parts import parts_of
from scones.cloud.services.s3.upload_records import mark_conflicts
from scones.cloud.services.s3.version_ids import new_version_id
from scones.cloud.services.s3.versions import (
    DeleteMarker,
    check_version_id,
    discard_body,
    push_current,
    replace_null_version,
    version_in,
)

log = logging.getLogger(__name__)


class StoredObjects:
    """The objects of all buckets.

    Small bodies are rows of the database; larger ones are files. Each change stores its notifications in the same
    transaction.
    """

    def __init__(self, store: Store, files: BodyFiles, notifier: Notifier, rules: LifecycleRules) -> None:
        self._store = store
        self._rules = rules
        self._files = files
        self._notifier = notifier

    async def sweep(self) -> None:
        """Set aside files that no row refers to, left by requests that a crash interrupted."""
        found = await self._files.older_than_this_process()
        rows = await self._store.read_on_thread(
            "SELECT file FROM s3_objects WHERE file IS NOT NULL UNION ALL "
            "SELECT file FROM s3_versions WHERE file IS NOT NULL UNION ALL SELECT file FROM s3_parts"
        )
        await self._files.sweep(found, {row["file"] for row in rows})

    def find(
        self,
        bucket: BucketRecord,
        key: str,
        version: str | None = None,
        *,
        method: str = "GET",
        marker_is_missing: bool = True,
    ) -> ObjectRecord:
        """Return the current version of an object, or the named one, with its body if it is small.

        Raises `NoSuchKey` or `NoSuchVersion`. A delete marker that the request names is `MethodNotAllowed`. A delete
        marker that is the newest version is `NoSuchKey`, or `MethodNotAllowed` if `marker_is_missing` is false.
        """
        if version is not None:
            return self._find_version(bucket, key, version, method)
        row = self._store.row(
            f"SELECT {COLUMNS}, data FROM s3_objects LEFT JOIN s3_bodies ON s3_bodies.id = body "  # noqa: S608 - constant
            "WHERE bucket = ? AND key = ?",
            bucket.name,
            key,
        )
        if row is not None:
            return ObjectRecord.of(row, row["data"])
        marker = self._newest_marker(bucket, key)
        if marker is None:
            raise errors.no_such_key(key)
        if marker_is_missing:
            raise errors.no_such_key(key, marker.headers())
        raise errors.delete_marker_not_allowed(method, marker.headers())

    def _newest_marker(self, bucket: BucketRecord, key: str) -> DeleteMarker | None:
        """Return the delete marker that hides a key without a current object, or None."""
        if not bucket.versioning:
            return None
        row = self._store.row(
            "SELECT version, modified FROM s3_versions WHERE bucket = ? AND key = ? ORDER BY position DESC LIMIT 1",
            bucket.name,
            key,
        )
        return None if row is None else DeleteMarker(version=row["version"], modified=row["modified"])

    def _find_version(self, bucket: BucketRecord, key: str, version: str, method: str) -> ObjectRecord:
        check_version_id(bucket, version)
        row = self._store.row(
            f"SELECT {COLUMNS}, data, 0 AS marker FROM s3_objects LEFT JOIN s3_bodies ON s3_bodies.id = body "  # noqa: S608
            "WHERE bucket = ?1 AND key = ?2 AND version = ?3 "
            f"UNION ALL SELECT {COLUMNS}, data, marker FROM s3_versions LEFT JOIN s3_bodies ON s3_bodies.id = body "
            "WHERE bucket = ?1 AND key = ?2 AND version = ?3",
            bucket.name,
            key,
            version,
        )
        if row is None:
            raise errors.no_such_version(key, version) if bucket.versioning else errors.no_such_key(key)
        found = version_in(row, row["data"])
        if isinstance(found, DeleteMarker):
            headers = found.headers() | {"last-modified": http_date(found.modified)}
            raise errors.delete_marker_not_allowed(method, headers)
        return found

    def expiration(self, record: ObjectRecord) -> str | None:
        """Return the header that announces when a current object expires, or None."""
        rules = self._rules.of(record.bucket)
        if not rules:
            return None
        return expiration_header(rules, Candidate(record.key, record.modified, record.size, record.tags))

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
        for part in parts_of(self._store, record.upload or ""):
            first, last = max(start - offset, 0), min(end - offset, part["size"])
            if first < last:
                segments.append(ByteRange(part["file"], first, last - first, part["size"]))
            offset += part["size"]
        return await self._read(record, segments)

    async def _read(self, record: ObjectRecord, segments: list[ByteRange]) -> AsyncIterator[bytes]:
        try:
            return await self._files.read(segments)
        except DamagedFileError as damage:
            log.error("The object %r is damaged: %s.", f"s3://{record.bucket}/{record.key}", damage)
            raise errors.internal_error() from None

    async def replace(self, record: ObjectRecord, call: OperationCall, event: str) -> str:
        """Write an object as the current version of its key; it is on disk on return. Return its version ID.

        Raises the error of a condition of the request that fails.
        """
        version, doomed = await self._store.write(lambda connection: self.write(connection, record, call, event))
        await self.after_change(record.bucket, doomed)
        return version

    def write(
        self, connection: sqlite3.Connection, record: ObjectRecord, call: OperationCall, event: str
    ) -> tuple[str, list[str]]:
        """Write an object and its notifications in a transaction; return its version ID and the files it replaces.

        Call `after_change` with the files when the transaction is on disk. Raises the error of a condition that fails.
        """
        versioning = versioning_of(connection, record.bucket)
        old = find_object(connection, record.bucket, record.key)
        check_write(call.params, old, record.key)
        doomed: list[str] = []
        if versioning == "Enabled":
            position = push_current(connection, old, record.bucket, record.key)
            record = replace(record, version=new_version_id(position))
        elif versioning:
            doomed = replace_null_version(connection, old, record.bucket, record.key)[1]
        elif old:
            doomed = discard_body(connection, old)
        record.insert(connection)
        mark_conflicts(connection, record.bucket, record.key)
        self._notifier.store(connection, event, call, ChangedObject.written(record))
        return record.version, doomed

    async def after_change(self, bucket: str, doomed: Sequence[str]) -> None:
        """Remove the files of replaced or deleted objects, and deliver the notifications of the change."""
        await self._files.remove(doomed)
        self._notifier.wake(bucket)
