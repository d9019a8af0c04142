"""Stored buckets, and the checks of a request's bucket."""

from __future__ import annotations

import hashlib
import re
import sqlite3

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_buckets (
        name TEXT PRIMARY KEY, created INTEGER NOT NULL, tags TEXT NOT NULL DEFAULT '[]'
    ) WITHOUT ROWID
"""
_ACCOUNT = re.compile("[0-9]{12}")
UNSUPPORTED = (
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


class BucketRecords:
    """The table of buckets, all of which belong to one account."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account
        self.owner = {"ID": hashlib.sha256(account.encode()).hexdigest()}
        """The owner of all buckets and objects, with the account's canonical user ID."""

    def acl(self) -> Members:
        """Return the ACL of every bucket and object: ACLs are disabled, which is S3's default."""
        return {
            "Owner": self.owner,
            "Grants": [{"Grantee": {"Type": "CanonicalUser", **self.owner}, "Permission": "FULL_CONTROL"}],
        }

    def requested(self, params: Members) -> str:
        """Return the request's bucket name.

        Raises `ServiceError` if the bucket does not exist, if another account is expected to own it, or if a parameter
        is not supported.
        """
        name: str = params["Bucket"]
        if self._store.row("SELECT 1 FROM s3_buckets WHERE name = ?", name) is None:
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
        if expected is not None and not _ACCOUNT.fullmatch(expected):
            raise ServiceError(
                "InvalidBucketOwnerAWSAccountID",
                f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]",
            )
        if expected is not None and expected != self._account:
            raise ServiceError("AccessDenied", "Access Denied", 403)


def check_exists(connection: sqlite3.Connection, bucket: str) -> None:
    """Raise `NoSuchBucket` in a transaction if the bucket was deleted since the request's check."""
    if connection.execute("SELECT 1 FROM s3_buckets WHERE name = ?", (bucket,)).fetchone() is None:
        raise errors.no_such_bucket(bucket)
