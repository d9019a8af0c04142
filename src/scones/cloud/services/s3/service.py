"""The S3 service, composed of its groups of operations."""

from __future__ import annotations

from scones.cloud.services.s3.attributes import ObjectAttributeOperations
from scones.cloud.services.s3.bucket_settings import BucketSettingOperations
from scones.cloud.services.s3.buckets import BucketOperations
from scones.cloud.services.s3.listings import ListingOperations
from scones.cloud.services.s3.uploads import UploadOperations


class S3(BucketOperations, BucketSettingOperations, ListingOperations, UploadOperations, ObjectAttributeOperations):
    """The S3 API for general purpose buckets without versioning.

    Small bodies are rows of the database; larger ones are files in `DATA_DIR/s3`. Both are on disk before S3 answers a
    request. `download` and `upload` are for other services of the same cloud.
    """
