"""Server access logging of buckets: the settings, which are stored and returned; no log is written."""

from __future__ import annotations

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.wire.members import Members


class LoggingOperations:
    """PutBucketLogging and GetBucketLogging."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._buckets = buckets
        self._settings = settings

    async def put_bucket_logging(self, call: OperationCall) -> Members:
        """Replace a bucket's logging settings; an empty status removes them."""
        bucket, enabled = self._buckets.requested(call.params), call.params["BucketLoggingStatus"].get("LoggingEnabled")
        if enabled is not None and not self._buckets.exists(enabled["TargetBucket"]):
            raise ServiceError(
                "InvalidTargetBucketForLogging",
                "The target bucket for logging does not exist",
                TargetBucket=enabled["TargetBucket"],
            )
        await self._settings.put(bucket, "logging", enabled)
        return {}

    async def get_bucket_logging(self, call: OperationCall) -> Members:
        """Return a bucket's logging settings; the response is empty if it has none."""
        return {"LoggingEnabled": self._settings.get(self._buckets.requested(call.params), "logging")}
