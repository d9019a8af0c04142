"""Object ownership of buckets, which decides whether buckets and objects can have ACLs."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.wire.members import Members

ENFORCED = "BucketOwnerEnforced"
"""Ownership of a new bucket: ACLs are disabled. AWS has set it since April 2023."""
SETTING = "ownership"


class OwnershipOperations:
    """PutBucketOwnershipControls, GetBucketOwnershipControls and DeleteBucketOwnershipControls."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._buckets = buckets
        self._settings = settings

    async def put_bucket_ownership_controls(self, call: OperationCall) -> Members:
        """Replace a bucket's object ownership; S3 accepts one rule."""
        bucket, rules = self._buckets.requested(call.params), call.params["OwnershipControls"]["Rules"]
        if len(rules) != 1:
            raise errors.malformed_xml()
        await self._settings.put(bucket, SETTING, rules[0]["ObjectOwnership"])
        return {}

    async def get_bucket_ownership_controls(self, call: OperationCall) -> Members:
        """Return a bucket's object ownership; raises `OwnershipControlsNotFoundError` if it was removed."""
        ownership = self._settings.get(self._buckets.requested(call.params), SETTING, ENFORCED)
        if ownership is None:
            raise errors.no_such_setting(
                call.params["Bucket"],
                "OwnershipControlsNotFoundError",
                "The bucket ownership controls were not found",
            )
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}

    async def delete_bucket_ownership_controls(self, call: OperationCall) -> Members:
        """Remove a bucket's object ownership: objects belong to their writers, and ACLs are enabled."""
        await self._settings.put(self._buckets.requested(call.params), SETTING, None)
        return {}
