"""Public access blocks of buckets."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.wire.members import Members

SETTING = "public access"
ALL = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
"""Public access block of a new bucket; AWS has set it since April 2023."""
NONE = dict.fromkeys(ALL, False)


class PublicAccessBlocks:
    """Finds the public access blocks of buckets."""

    def __init__(self, settings: BucketSettings) -> None:
        self._settings = settings

    def of(self, bucket: str) -> dict[str, bool]:
        """Return the four settings of a bucket; all are false if its public access block was deleted."""
        return self._settings.get(bucket, SETTING, ALL) or NONE


class PublicAccessBlockOperations:
    """PutPublicAccessBlock, GetPublicAccessBlock and DeletePublicAccessBlock."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._buckets = buckets
        self._settings = settings

    async def put_public_access_block(self, call: OperationCall) -> Members:
        """Replace a bucket's public access block; omitted settings become false."""
        blocked = call.params["PublicAccessBlockConfiguration"]
        await self._settings.put(self._buckets.requested(call.params), SETTING, NONE | blocked)
        return {}

    async def get_public_access_block(self, call: OperationCall) -> Members:
        """Return a bucket's public access block: all four settings are true unless they were changed.

        Raises `NoSuchPublicAccessBlockConfiguration` if it was deleted.
        """
        kept = self._settings.get(self._buckets.requested(call.params), SETTING, ALL)
        if kept is None:
            raise errors.no_such_setting(
                call.params["Bucket"],
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
            )
        return {"PublicAccessBlockConfiguration": kept}

    async def delete_public_access_block(self, call: OperationCall) -> Members:
        """Delete a bucket's public access block."""
        await self._settings.put(self._buckets.requested(call.params), SETTING, None)
        return {}
