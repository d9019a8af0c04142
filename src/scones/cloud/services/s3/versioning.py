"""The versioning state of buckets."""

from __future__ import annotations

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.wire.members import Members


class BucketVersioningOperations:
    """PutBucketVersioning and GetBucketVersioning."""

    def __init__(self, store: Store, buckets: BucketRecords) -> None:
        self._store = store
        self._buckets = buckets

    async def put_bucket_versioning(self, call: OperationCall) -> Members:
        """Enable or suspend versioning; MFA delete is not supported."""
        bucket = self._buckets.requested(call.params)
        configuration = call.params["VersioningConfiguration"]
        if configuration.get("MFADelete") == "Enabled":
            raise errors.not_implemented("MfaDelete")
        status = configuration.get("Status")
        if status is None:
            raise ServiceError("IllegalVersioningConfigurationException", "The Versioning element must be specified")
        await self._store.execute("UPDATE s3_buckets SET versioning = ? WHERE name = ?", status, bucket)
        return {}

    async def get_bucket_versioning(self, call: OperationCall) -> Members:
        """Return a bucket's versioning state, or an empty response if versioning was never enabled."""
        return {"Status": self._buckets.find(call.params).versioning or None}
