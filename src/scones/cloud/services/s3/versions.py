"""Versions that are not current, and delete markers.

The current object of a key is in `s3_objects`; older versions and all delete markers are in `s3_versions`. A key whose
newest version is a delete marker has no current object. The functions with a connection run in a
transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from scones.cloud.core.clock import now_ms
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecord
from scones.cloud.services.s3.object_record import COLUMNS, ObjectRecord, find_object
from scones.cloud.services.s3.parts import discard_parts
from scones.cloud.services.s3.version_ids import NULL, new_version_id, position_of

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_versions (
        bucket TEXT NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL, marker INTEGER NOT NULL,
        size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL, storage_class TEXT NOT NULL,
        checksum_algorithm TEXT NOT NULL, checksum TEXT NOT NULL, checksum_type TEXT NOT NULL, headers TEXT NOT NULL,
        tags TEXT NOT NULL, body INTEGER, file TEXT, upload TEXT, version TEXT NOT NULL,
        PRIMARY KEY (bucket, key, position DESC)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX IF NOT EXISTS s3_versions_by_id ON s3_versions (bucket, key, version);
    CREATE INDEX IF NOT EXISTS s3_versions_by_file ON s3_versions (file) WHERE file IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMarker:
    """The version that a deletion adds. `modified` is in milliseconds since 1970."""

    version: str
    modified: int

    def headers(self) -> dict[str, str]:
        """Return the headers of an error that a request for the marker gets."""
        return {"x-amz-delete-marker": "true", "x-amz-version-id": self.version}


def check_version_id(bucket: BucketRecord, version: str) -> None:
    """Raise `InvalidArgument` for a version ID that S3 never issued for the bucket."""
    if not version:
        raise errors.invalid_argument("Version id cannot be the empty string", "versionId", version)
    if not was_issued(bucket, version):
        raise errors.invalid_version_id(version)


def was_issued(bucket: BucketRecord, version: str) -> bool:
    """Return True if a version ID is `null`, or one that S3 may have issued for the bucket."""
    return version == NULL or (bool(bucket.versioning) and position_of(version) is not None)


def find_version(
    connection: sqlite3.Connection, bucket: str, key: str, version: str
) -> ObjectRecord | DeleteMarker | None:
    """Return a version without its body, or None."""
    current = find_object(connection, bucket, key)
    if current is not None and current.version == version:
        return current
    row = connection.execute(
        f"SELECT {COLUMNS}, marker FROM s3_versions WHERE bucket = ? AND key = ? AND version = ?",  # noqa: S608 - constant
        (bucket, key, version),
    ).fetchone()
    return None if row is None else version_in(row)


def version_in(row: sqlite3.Row, data: bytes | None = None) -> ObjectRecord | DeleteMarker:
    """Return the version for a row with `COLUMNS` and `marker`."""
    if row["marker"]:
        return DeleteMarker(version=row["version"], modified=row["modified"])
    return ObjectRecord.of(row, data)


def push_current(connection: sqlite3.Connection, current: ObjectRecord | None, bucket: str, key: str) -> int:
    """Move the current object, if a key has one, to the older versions; return the position of the next version."""
    newest = connection.execute(
        "SELECT position FROM s3_versions WHERE bucket = ? AND key = ? ORDER BY position DESC LIMIT 1", (bucket, key)
    ).fetchone()
    following = newest[0] + 1 if newest else 1
    if current is None:
        return following
    position = max(position_of(current.version) or 0, following)
    connection.execute(
        f"INSERT INTO s3_versions ({COLUMNS}, position, marker) "  # noqa: S608 - constant
        f"SELECT {COLUMNS}, ?, 0 FROM s3_objects WHERE bucket = ? AND key = ?",
        (position, bucket, key),
    )
    connection.execute("DELETE FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key))
    return position + 1


def replace_null_version(
    connection: sqlite3.Connection, current: ObjectRecord | None, bucket: str, key: str
) -> tuple[int, list[str]]:
    """Remove a key's null version, and move a current object with another ID to the older versions.

    Return the position of the next version, and the files of the removed version.
    """
    if current is not None and current.version == NULL:
        connection.execute("DELETE FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key))
        return push_current(connection, None, bucket, key), discard_body(connection, current)
    position = push_current(connection, current, bucket, key)
    old = find_version(connection, bucket, key, NULL)
    if old is None:
        return position, []
    connection.execute("DELETE FROM s3_versions WHERE bucket = ? AND key = ? AND version = ?", (bucket, key, NULL))
    return position, [] if isinstance(old, DeleteMarker) else discard_body(connection, old)


def add_marker(
    connection: sqlite3.Connection, bucket: str, key: str, position: int, *, null: bool = False
) -> DeleteMarker:
    """Add a delete marker as the newest version of a key that has no current object."""
    marker = DeleteMarker(version=NULL if null else new_version_id(position), modified=now_ms())
    connection.execute(
        "INSERT INTO s3_versions (bucket, key, position, marker, version, modified, size, etag, storage_class, "
        "checksum_algorithm, checksum, checksum_type, headers, tags) "
        "VALUES (?, ?, ?, 1, ?, ?, 0, '', '', '', '', '', '{}', '[]')",
        (bucket, key, position, marker.version, marker.modified),
    )
    return marker


def remove_version(
    connection: sqlite3.Connection, bucket: str, key: str, found: ObjectRecord | DeleteMarker
) -> list[str]:
    """Remove a version of a key; return the files of its body. The newest version that remains becomes current."""
    doomed = [] if isinstance(found, DeleteMarker) else discard_body(connection, found)
    for table in ("s3_objects", "s3_versions"):
        connection.execute(
            f"DELETE FROM {table} WHERE bucket = ? AND key = ? AND version = ?",  # noqa: S608 - constant
            (bucket, key, found.version),
        )
    _promote_newest(connection, bucket, key)
    return doomed


def _promote_newest(connection: sqlite3.Connection, bucket: str, key: str) -> None:
    """Make the newest version the current object, unless the key has one or that version is a delete marker."""
    if connection.execute("SELECT 1 FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key)).fetchone():
        return
    newest = connection.execute(
        "SELECT position, marker FROM s3_versions WHERE bucket = ? AND key = ? ORDER BY position DESC LIMIT 1",
        (bucket, key),
    ).fetchone()
    if newest is None or newest["marker"]:
        return
    place = (bucket, key, newest["position"])
    connection.execute(
        f"INSERT INTO s3_objects ({COLUMNS}) "  # noqa: S608 - constant
        f"SELECT {COLUMNS} FROM s3_versions WHERE bucket = ? AND key = ? AND position = ?",
        place,
    )
    connection.execute("DELETE FROM s3_versions WHERE bucket = ? AND key = ? AND position = ?", place)


def discard_body(connection: sqlite3.Connection, record: ObjectRecord) -> list[str]:
    """Delete an object's body, but not its row; return its files."""
    if record.body is not None:
        connection.execute("DELETE FROM s3_bodies WHERE id = ?", (record.body,))
    if record.upload is not None:
        return discard_parts(connection, record.upload)
    return [record.file] if record.file is not None else []
