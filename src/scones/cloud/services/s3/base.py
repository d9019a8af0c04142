"""The base of S3's operation groups: tables, look-up of buckets and objects, and replacement of objects."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.body_files import BodyFiles
from scones.cloud.services.s3.conditions import check_write
from scones.cloud.services.s3.notifications import SCHEMA, Notifier
from scones.cloud.services.s3.object_record import COLUMNS, ObjectRecord, find_object

UNSUPPORTED = (
    "SSECustomerAlgorithm",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "ObjectLockEnabledForBucket",
    "WriteOffsetBytes",
    "GrantFullControl",
    "GrantRead",
    "GrantReadACP",
    "GrantWrite",
    "GrantWriteACP",
)
"""Parameters that request unsupported features; a request with one gets NotImplemented."""


class S3Base(Service):
    """S3's tables and its folder of bodies, shared by all operation groups."""

    name: ClassVar[str] = "s3"
    validation_code: ClassVar[str] = "InvalidArgument"
    unvalidated_members: ClassVar[frozenset[str]] = frozenset({"BucketLocationConstraint", "ChecksumAlgorithm"})
    schema: ClassVar[str] = (
        """
        CREATE TABLE IF NOT EXISTS s3_buckets (
            name TEXT PRIMARY KEY, created INTEGER NOT NULL, tags TEXT NOT NULL DEFAULT '[]'
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS s3_bucket_settings (
            bucket TEXT NOT NULL, setting TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bucket, setting)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS s3_objects (
            bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
            modified INTEGER NOT NULL, storage_class TEXT NOT NULL, checksum_algorithm TEXT NOT NULL,
            checksum TEXT NOT NULL, checksum_type TEXT NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL,
            body INTEGER, file TEXT, upload TEXT, PRIMARY KEY (bucket, key)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS s3_objects_by_file ON s3_objects (file) WHERE file IS NOT NULL;
        CREATE TABLE IF NOT EXISTS s3_bodies (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS s3_uploads (
            id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated INTEGER NOT NULL,
            storage_class TEXT NOT NULL, checksum_algorithm TEXT NOT NULL, checksum_type TEXT NOT NULL,
            chosen INTEGER NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS s3_uploads_in_order ON s3_uploads (bucket, key, initiated, id);
        CREATE TABLE IF NOT EXISTS s3_parts (
            upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, md5 BLOB NOT NULL,
            checksum TEXT NOT NULL, file TEXT NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (upload, number)
        ) WITHOUT ROWID;
    """
        + SCHEMA
    )

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self.store = cloud.store
        self.files = BodyFiles(cloud.settings.data_dir / "s3")
        self.notifier = Notifier(cloud)

    @property
    def owner(self) -> dict[str, str]:
        """The owner of all buckets and objects, with the account's canonical user ID."""
        return {"ID": hashlib.sha256(self.cloud.settings.account.encode()).hexdigest()}

    def acl(self) -> dict[str, Any]:
        """Return the ACL of every bucket and object: ACLs are disabled, which is S3's default."""
        return {
            "Owner": self.owner,
            "Grants": [{"Grantee": {"Type": "CanonicalUser", **self.owner}, "Permission": "FULL_CONTROL"}],
        }

    async def start(self) -> None:
        """Create the folder of bodies and start to sweep files left by requests that a crash interrupted."""
        await self.files.make_folder()
        self.notifier.start()
        if self.cloud.may_sweep:
            self.cloud.spawn(self._sweep(), name="sweep of the folder of bodies")

    async def _sweep(self) -> None:
        found = await self.files.older_than_this_process()
        rows = await self.store.read_on_thread(
            "SELECT file FROM s3_objects WHERE file IS NOT NULL UNION ALL SELECT file FROM s3_parts"
        )
        await self.files.sweep(found, {row["file"] for row in rows})

    def check_bucket(self, params: Mapping[str, Any]) -> str:
        """Return the request's bucket name.

        Raises `ServiceError` if the bucket does not exist, if another account is expected to own it, or if a parameter
        is not supported.
        """
        name: str = params["Bucket"]
        if self.store.row("SELECT 1 FROM s3_buckets WHERE name = ?", name) is None:
            raise errors.no_such_bucket(name)
        for unsupported in UNSUPPORTED:
            if unsupported in params:
                raise errors.not_implemented(unsupported)
        if params.get("VersionId", "null") != "null":
            raise errors.invalid_argument("Invalid version id specified", "versionId", params["VersionId"])
        if params.get("ACL", "private") not in ("private", "bucket-owner-full-control"):
            raise ServiceError("AccessControlListNotSupported", "The bucket does not allow ACLs")
        self.check_owner(params.get("ExpectedBucketOwner"))
        return name

    def check_owner(self, expected: str | None) -> None:
        """Raise `AccessDenied` if a request expects another account to own the bucket."""
        if expected is not None and expected != self.cloud.settings.account:
            raise ServiceError("AccessDenied", "Access Denied", 403)

    def find(self, bucket: str, key: str) -> ObjectRecord:
        """Return an object with its body if it is small; raises `NoSuchKey`."""
        row = self.store.row(
            f"SELECT {COLUMNS}, data FROM s3_objects LEFT JOIN s3_bodies ON s3_bodies.id = body "  # noqa: S608 - constant
            "WHERE bucket = ? AND key = ?",
            bucket,
            key,
        )
        if row is None:
            raise errors.no_such_key(key)
        return ObjectRecord.of(row, row["data"])

    async def replace(self, record: ObjectRecord, call: OperationCall, event: str) -> None:
        """Write an object, replacing any object with its key, if the request's conditions hold; durable on return."""

        def write(connection: sqlite3.Connection) -> list[str]:
            doomed = replace(connection, record, call.params)
            self.notifier.store(connection, event, call, record)
            return doomed

        await self.files.remove(await self.store.write(write))
        self.notifier.wake(record.bucket)


def replace(connection: sqlite3.Connection, record: ObjectRecord, params: Mapping[str, Any]) -> list[str]:
    """Write an object's row and body in a transaction; return the files of the object it replaces."""
    if connection.execute("SELECT 1 FROM s3_buckets WHERE name = ?", (record.bucket,)).fetchone() is None:
        raise errors.no_such_bucket(record.bucket)
    old = find_object(connection, record.bucket, record.key)
    check_write(params, old, record.key)
    doomed = discard(connection, old) if old else []
    record.insert(connection)
    return doomed


def discard(connection: sqlite3.Connection, record: ObjectRecord) -> list[str]:
    """Delete an object's body, but not its row, in a transaction; return its files."""
    if record.body is not None:
        connection.execute("DELETE FROM s3_bodies WHERE id = ?", (record.body,))
    if record.upload is not None:
        return discard_parts(connection, record.upload)
    return [record.file] if record.file is not None else []


def discard_parts(connection: sqlite3.Connection, upload: str) -> list[str]:
    """Delete an upload's parts in a transaction; return their files."""
    return [row[0] for row in connection.execute("DELETE FROM s3_parts WHERE upload = ? RETURNING file", (upload,))]


def now() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
