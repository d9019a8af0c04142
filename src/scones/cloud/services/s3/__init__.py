"""S3: buckets and objects, in SQLite and a folder."""

from scones.cloud.services.s3.service import S3

__all__ = ["S3"]
