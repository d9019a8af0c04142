"""Sources of CopyObject and UploadPartCopy."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote_plus

from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.conditions import check_copy
from scones.cloud.services.s3.customer_keys import check_key
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.wire.members import Members


class CopySources:
    """Finds the objects that requests copy."""

    def __init__(self, buckets: BucketRecords, objects: StoredObjects) -> None:
        self._buckets = buckets
        self._objects = objects

    def find(self, params: Members) -> ObjectRecord:
        """Return the object that x-amz-copy-source names; raises `PreconditionFailed` if a condition on it fails.

        In this header a plus sign is a space, as S3 reads it; SDKs write a plus sign as `%2B`.
        """
        path, _, query = params["CopySource"].partition("?")
        bucket, slash, key = unquote_plus(path).removeprefix("/").partition("/")
        if not (bucket and slash and key):
            raise errors.invalid_argument("Invalid copy source object key", "x-amz-copy-source", "x-amz-copy-source")
        self._buckets.check_owner(params.get("ExpectedSourceBucketOwner"))
        version = parse_qs(query).get("versionId", [None])[0]
        try:
            record = self._objects.find(self._buckets.find({"Bucket": bucket}), key, version)
        except ServiceError as error:
            if error.code == "MethodNotAllowed":
                raise ServiceError(
                    "InvalidRequest",
                    "The source of a copy request may not specifically refer to a delete marker by version id.",
                ) from error
            raise
        check_key(params, record.headers, "CopySource")
        check_copy(params, record)
        if record.is_archived:
            message = "Operation is not valid for the source object's storage class"
            raise errors.not_retrievable(record.storage_class, message)
        return record
