"""Bucket settings that are stored and returned but have no effect: encryption, policy and public access block."""

from __future__ import annotations

import json

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.s3 import encryption
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.wire.members import Members, MemberValue

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_bucket_settings (
        bucket TEXT NOT NULL, setting TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bucket, setting)
    ) WITHOUT ROWID
"""
PUBLIC_ACCESS = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
"""Public access block of a new bucket; AWS has set it since April 2023."""


class BucketSettingOperations:
    """The operations on bucket encryption, bucket policies and public access blocks."""

    def __init__(self, store: Store, buckets: BucketRecords) -> None:
        self._store = store
        self._buckets = buckets

    async def put_bucket_encryption(self, call: OperationCall) -> Members:
        """Replace a bucket's default encryption."""
        self._buckets.requested(call.params)
        configuration = encryption.checked_configuration(call.params["ServerSideEncryptionConfiguration"])
        return await self._store_setting(call, "encryption", configuration)

    async def get_bucket_encryption(self, call: OperationCall) -> Members:
        """Return a bucket's default encryption: AES256 unless it was changed."""
        return {"ServerSideEncryptionConfiguration": self._stored_setting(call, "encryption", encryption.DEFAULT)}

    async def delete_bucket_encryption(self, call: OperationCall) -> Members:
        """Reset a bucket's default encryption to AES256."""
        return await self._store_setting(call, "encryption", encryption.DEFAULT)

    async def put_public_access_block(self, call: OperationCall) -> Members:
        """Replace a bucket's public access block; omitted settings become false."""
        blocked = call.params["PublicAccessBlockConfiguration"]
        return await self._store_setting(call, "public access", dict.fromkeys(PUBLIC_ACCESS, False) | blocked)

    async def get_public_access_block(self, call: OperationCall) -> Members:
        """Return a bucket's public access block: all four settings are true unless they were changed.

        Raises `NoSuchPublicAccessBlockConfiguration` if it was deleted.
        """
        kept = self._stored_setting(call, "public access", PUBLIC_ACCESS)
        if kept is None:
            raise _missing(
                call, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"
            )
        return {"PublicAccessBlockConfiguration": kept}

    async def delete_public_access_block(self, call: OperationCall) -> Members:
        """Delete a bucket's public access block."""
        return await self._store_setting(call, "public access", None)

    async def put_bucket_policy(self, call: OperationCall) -> OperationOutput:
        """Replace a bucket's policy, which must be a JSON object."""
        policy = call.params["Policy"]
        try:
            valid = isinstance(json.loads(policy), dict)
        except (ValueError, RecursionError):
            valid = False
        if not valid:
            raise ServiceError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
        return OperationOutput(await self._store_setting(call, "policy", policy), 204)

    async def get_bucket_policy(self, call: OperationCall) -> Members:
        """Return a bucket's policy; raises `NoSuchBucketPolicy` if it has none."""
        kept = self._stored_setting(call, "policy", None)
        if kept is None:
            raise _missing(call, "NoSuchBucketPolicy", "The bucket policy does not exist")
        return {"Policy": kept}

    async def delete_bucket_policy(self, call: OperationCall) -> Members:
        """Remove a bucket's policy."""
        return await self._store_setting(call, "policy", None)

    async def _store_setting(self, call: OperationCall, setting: str, value: MemberValue) -> Members:
        """Store a setting, which is any JSON value; None means that it was removed."""
        await self._store.execute(
            "INSERT OR REPLACE INTO s3_bucket_settings VALUES (?, ?, ?)",
            self._buckets.requested(call.params),
            setting,
            json.dumps(value),
        )
        return {}

    def _stored_setting(self, call: OperationCall, setting: str, default: MemberValue) -> MemberValue:
        """Return a setting, `default` if it was never set, or None if it was removed."""
        row = self._store.row(
            "SELECT value FROM s3_bucket_settings WHERE bucket = ? AND setting = ?",
            self._buckets.requested(call.params),
            setting,
        )
        return default if row is None else json.loads(row["value"])


def _missing(call: OperationCall, code: str, message: str) -> ServiceError:
    return ServiceError(code, message, 404, BucketName=call.params["Bucket"])
