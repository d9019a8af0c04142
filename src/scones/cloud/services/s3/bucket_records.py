"""Stored buckets, and the checks of a request's bucket."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import dataclass

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_buckets (
        name TEXT PRIMARY KEY, created INTEGER NOT NULL, tags TEXT NOT NULL DEFAULT '[]',
        versioning TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID
"""
_ACCOUNT = re.compile("[0-9]{12}")


@dataclass(frozen=True, slots=True)
class BucketRecord:
    """A bucket. `versioning` is `Enabled`, `Suspended`, or empty if it was never enabled."""

    name: str
    versioning: str

    def shown(self, version: str) -> str | None:
        """Return the ID of a version in responses: None if versioning was never enabled."""
        return version if self.versioning else None


class BucketRecords:
    """The table of buckets, all of which belong to one account."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account
        self.owner = {"ID": hashlib.sha256(account.encode()).hexdigest()}
        """The owner of all buckets and objects, with the account's canonical user ID."""

    def requested(self, params: Members) -> str:
        """Return the request's bucket name.

        Raises `ServiceError` if the bucket does not exist, or if another account is expected to own it.
        """
        return self.find(params).name

    def find(self, params: Members) -> BucketRecord:
        """Return the request's bucket; raises the errors of `requested`."""
        name: str = params["Bucket"]
        row = self._store.row("SELECT versioning FROM s3_buckets WHERE name = ?", name)
        if row is None:
            raise errors.no_such_bucket(name)
        self.check_owner(params.get("ExpectedBucketOwner"))
        return BucketRecord(name, row["versioning"])

    def exists(self, name: str) -> bool:
        """Return True if a bucket exists."""
        return self._store.row("SELECT 1 FROM s3_buckets WHERE name = ?", name) is not None

    def check_owner(self, expected: str | None) -> None:
        """Raise `AccessDenied` if a request expects another account to own the bucket."""
        if expected is not None and not _ACCOUNT.fullmatch(expected):
            raise ServiceError(
                "InvalidBucketOwnerAWSAccountID",
                f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]",
            )
        if expected is not None and expected != self._account:
            raise ServiceError("AccessDenied", "Access Denied", 403)


def versioning_of(connection: sqlite3.Connection, bucket: str) -> str:
    """Return a bucket's versioning state in a transaction.

    Raises `NoSuchBucket` if the bucket was deleted since the request's check.
    """
    row = connection.execute("SELECT versioning FROM s3_buckets WHERE name = ?", (bucket,)).fetchone()
    if row is None:
        raise errors.no_such_bucket(bucket)
    versioning: str = row["versioning"]
    return versioning


def check_exists(connection: sqlite3.Connection, bucket: str) -> None:
    """Raise `NoSuchBucket` in a transaction if the bucket was deleted since the request's check."""
    versioning_of(connection, bucket)
