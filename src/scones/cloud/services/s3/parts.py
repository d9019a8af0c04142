"""Stored parts: of unfinished uploads, and of the objects that completed uploads created."""

from __future__ import annotations

import sqlite3

from scones.cloud.core.store import Store
from scones.cloud.services.s3 import errors
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_parts (
        upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, md5 BLOB NOT NULL,
        checksum TEXT NOT NULL, file TEXT NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (upload, number)
    ) WITHOUT ROWID
"""
LAST_NUMBER = 10_000
"""Largest part number."""


def parts_of(store: Store, upload: str) -> list[sqlite3.Row]:
    """Return an upload's parts, sorted by number."""
    return store.rows(
        "SELECT number, size, md5, checksum, file, modified FROM s3_parts WHERE upload = ? ORDER BY number", upload
    )


def discard_parts(connection: sqlite3.Connection, upload: str) -> list[str]:
    """Delete an upload's parts in a transaction; return their files."""
    return [row[0] for row in connection.execute("DELETE FROM s3_parts WHERE upload = ? RETURNING file", (upload,))]


def part_number_marker(params: Members) -> int:
    """Return the part number after which a listing of parts starts."""
    marker: int = params.get("PartNumberMarker", 0)
    if marker < 0:
        message = "Argument part-number-marker must be an integer between 0 and 2147483647"
        raise errors.invalid_argument(message, "part-number-marker", marker)
    return marker


def check_number(number: int) -> None:
    """Raise `InvalidArgument` for a part number that S3 does not allow."""
    if not 1 <= number <= LAST_NUMBER:
        raise errors.invalid_argument(
            f"Part number must be an integer between 1 and {LAST_NUMBER}, inclusive", "partNumber", number
        )
