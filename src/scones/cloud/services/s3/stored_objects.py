"""Stored objects: look-up, bodies, replacement and deletion."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import Body, OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.body_files import BodyFiles, ByteRange, DamagedFileError
from scones.cloud.services.s3.bucket_records import check_exists
from scones.cloud.services.s3.conditions import check_write
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.object_record import COLUMNS, ObjectRecord, find_object
from scones.cloud.services.s3.parts import discard_parts, parts_of
from scones.cloud.services.s3.upload_records import mark_conflicts
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)


class StoredObjects:
    """The objects of all buckets.

    Small bodies are rows of the database; larger ones are files. Each change stores its notifications in the same
    transaction.
    """

    def __init__(self, store: Store, files: BodyFiles, notifier: Notifier) -> None:
        self._store = store
        self._files = files
        self._notifier = notifier

    async def sweep(self) -> None:
        """Set aside files that no row refers to, left by requests that a crash interrupted."""
        found = await self._files.older_than_this_process()
        rows = await self._store.read_on_thread(
            "SELECT file FROM s3_objects WHERE file IS NOT NULL UNION ALL SELECT file FROM s3_parts"
        )
        await self._files.sweep(found, {row["file"] for row in rows})

    def find(self, bucket: str, key: str) -> ObjectRecord:
        """Return an object with its body if it is small; raises `NoSuchKey`."""
        row = self._store.row(
            f"SELECT {COLUMNS}, data FROM s3_objects LEFT JOIN s3_bodies ON s3_bodies.id = body "  # noqa: S608 - constant
            "WHERE bucket = ? AND key = ?",
            bucket,
            key,
        )
        if row is None:
            raise errors.no_such_key(key)
        return ObjectRecord.of(row, row["data"])

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

    async def replace(self, record: ObjectRecord, call: OperationCall, event: str) -> None:
        """Write an object, replacing any object with its key, if the request's conditions hold; durable on return."""
        doomed = await self._store.write(lambda connection: self.write(connection, record, call, event))
        await self.after_change(record.bucket, doomed)

    def write(self, connection: sqlite3.Connection, record: ObjectRecord, call: OperationCall, event: str) -> list[str]:
        """Write an object and its notifications in a transaction; return the files of the object it replaces.

        Call `after_change` with them when the transaction is on disk. Raises the error of a condition that fails.
        """
        check_exists(connection, record.bucket)
        old = find_object(connection, record.bucket, record.key)
        check_write(call.params, old, record.key)
        doomed = _discard(connection, old) if old else []
        record.insert(connection)
        mark_conflicts(connection, record.bucket, record.key)
        self._notifier.store(connection, event, call, record)
        return doomed

    async def after_change(self, bucket: str, doomed: Sequence[str]) -> None:
        """Remove the files of replaced or deleted objects, and deliver the notifications of the change."""
        await self._files.remove(doomed)
        self._notifier.wake(bucket)

    async def delete(
        self, call: OperationCall, bucket: str, entries: list[tuple[str, Members]], *, strict: bool = True
    ) -> dict[str, ServiceError]:
        """Delete the objects of keys, each of which has conditions; return the errors of keys whose conditions fail.

        If `strict` is true, the first such error is raised instead, and nothing is deleted.
        """
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
                    doomed += _discard(connection, old)
                    connection.execute("DELETE FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key))
                    mark_conflicts(connection, bucket, key)
                    self._notifier.store(connection, "ObjectRemoved:Delete", call, old)
            return doomed

        await self.after_change(bucket, await self._store.write(delete))
        return failed


def _discard(connection: sqlite3.Connection, record: ObjectRecord) -> list[str]:
    """Delete an object's body, but not its row, in a transaction; return its files."""
    if record.body is not None:
        connection.execute("DELETE FROM s3_bodies WHERE id = ?", (record.body,))
    if record.upload is not None:
        return discard_parts(connection, record.upload)
    return [record.file] if record.file is not None else []
