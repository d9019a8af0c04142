"""S3: buckets and objects, in SQLite and a folder."""

from __future__ import annotations

from scones.cloud.services.s3.attributes import Attributes
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.buckets import Buckets
from scones.cloud.services.s3.listings import Listings
from scones.cloud.services.s3.uploads import Uploads

__all__ = ["S3"]


class S3(Buckets, BucketSettings, Listings, Uploads, Attributes):
    """The S3 API, general purpose buckets without versions.

    Small bodies are rows of the database, larger ones files in `DATA_DIR/s3`; both are on disk before a request
    is answered. `download` and `upload` are for services of the same cloud.
    """
