"""The default encryption of buckets."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import encryption
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.wire.members import Members


class DefaultEncryptionOperations:
    """PutBucketEncryption, GetBucketEncryption and DeleteBucketEncryption."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._buckets = buckets
        self._settings = settings

    async def put_bucket_encryption(self, call: OperationCall) -> Members:
        """Replace a bucket's default encryption."""
        bucket = self._buckets.requested(call.params)
        configuration = encryption.checked_configuration(call.params["ServerSideEncryptionConfiguration"])
        await self._settings.put(bucket, "encryption", configuration)
        return {}

    async def get_bucket_encryption(self, call: OperationCall) -> Members:
        """Return a bucket's default encryption: AES256 unless it was changed."""
        bucket = self._buckets.requested(call.params)
        return {"ServerSideEncryptionConfiguration": self._settings.get(bucket, "encryption") or encryption.DEFAULT}

    async def delete_bucket_encryption(self, call: OperationCall) -> Members:
        """Reset a bucket's default encryption to AES256."""
        await self._settings.put(self._buckets.requested(call.params), "encryption", None)
        return {}
