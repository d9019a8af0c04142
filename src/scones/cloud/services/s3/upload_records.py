"""Stored multipart uploads, and the parts that they receive."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from scones.cloud.core.clock import now_ms
from scones.cloud.core.credentials import Caller
from scones.cloud.core.store import Store
from scones.cloud.services.s3 import checksum, errors
from scones.cloud.services.s3.body_files import BodyFiles, ReceivedBody
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.object_record import encryption_in
from scones.cloud.services.s3.parts import discard_parts
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_uploads (
        id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated INTEGER NOT NULL,
        storage_class TEXT NOT NULL, checksum_algorithm TEXT NOT NULL, checksum_type TEXT NOT NULL,
        chosen INTEGER NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS s3_uploads_in_order ON s3_uploads (bucket, key, initiated, id);
    CREATE TABLE IF NOT EXISTS s3_upload_conflicts (
        upload TEXT PRIMARY KEY REFERENCES s3_uploads(id) ON DELETE CASCADE
    ) WITHOUT ROWID"""
"""`s3_upload_conflicts` has the uploads whose key was written or deleted since they began."""

INITIATOR = "Initiator"
"""Name of the initiator among the headers of an upload; the object does not keep it."""


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """An unfinished multipart upload. `headers` and `tags` are in JSON."""

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

    def encryption(self) -> Members:
        """Return the encryption settings of the upload by member name; they have no effect."""
        return encryption_in(json.loads(self.headers))

    def initiator(self, owner: Members) -> Members:
        """Return who started the upload; earlier releases did not store it."""
        found: Members = json.loads(self.headers).get(INITIATOR, owner)
        return found

    def object_headers(self) -> Members:
        """Return the headers of the object that the upload creates."""
        return {name: value for name, value in json.loads(self.headers).items() if name != INITIATOR}


class UploadRecords:
    """The table of unfinished multipart uploads."""

    def __init__(self, store: Store, buckets: BucketRecords, files: BodyFiles) -> None:
        self._store = store
        self._buckets = buckets
        self._files = files

    def requested(self, params: Members) -> MultipartUpload:
        """Return the upload that a request names; raises `NoSuchUpload` and the errors of the bucket's check."""
        self._buckets.requested(params)
        row = self._store.row("SELECT * FROM s3_uploads WHERE id = ?", params["UploadId"])
        return _owned(row, params)

    async def add(self, upload: MultipartUpload) -> None:
        """Store a new upload."""
        values = [getattr(upload, name) for name in MultipartUpload.__slots__]
        await self._store.execute(f"INSERT INTO s3_uploads VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608

    async def put_part(self, upload: MultipartUpload, number: int, content: ReceivedBody) -> int:
        """Store a part, replacing any part with its number; return the time of the change in milliseconds since 1970.

        If this fails, the caller removes the part's body.
        """
        modified = now_ms()
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

        await self._files.remove(await self._store.write(write))
        return modified

    async def delete(self, params: Members) -> None:
        """Delete the upload that a request names, with its parts; raises `NoSuchUpload`."""
        self._buckets.requested(params)

        def delete(connection: sqlite3.Connection) -> list[str]:
            upload = find_upload(connection, params)
            connection.execute("DELETE FROM s3_uploads WHERE id = ?", (upload.id,))
            return discard_parts(connection, upload.id)

        await self._files.remove(await self._store.write(delete))


def initiator(caller: Caller, owner: Members) -> Members:
    """Return who starts an upload: the account itself, or a user or session of it.

    AWS does not document the display name of an account.
    """
    resource = caller.arn.rpartition(":")[2]
    name = resource.partition("/")[2] or resource
    return {"ID": owner["ID"] if resource == "root" else caller.arn, "DisplayName": name}


def mark_conflicts(connection: sqlite3.Connection, bucket: str, key: str) -> None:
    """Store, in the transaction of a change to a key, that it conflicts with conditional completions of its uploads."""
    connection.execute(
        "INSERT OR IGNORE INTO s3_upload_conflicts SELECT id FROM s3_uploads WHERE bucket = ? AND key = ?",
        (bucket, key),
    )


def has_conflict(connection: sqlite3.Connection, upload: str) -> bool:
    """Return True if an upload's key has changed since the upload began."""
    return connection.execute("SELECT 1 FROM s3_upload_conflicts WHERE upload = ?", (upload,)).fetchone() is not None


def find_upload(connection: sqlite3.Connection, params: Members) -> MultipartUpload:
    """Return the upload that a request names, in a transaction; raises `NoSuchUpload`."""
    row = connection.execute("SELECT * FROM s3_uploads WHERE id = ?", (params["UploadId"],)).fetchone()
    return _owned(row, params)


def _owned(row: sqlite3.Row | None, params: Members) -> MultipartUpload:
    if row is None or (row["bucket"], row["key"]) != (params["Bucket"], params["Key"]):
        raise errors.no_such_upload(params["UploadId"])
    return MultipartUpload(*row)
