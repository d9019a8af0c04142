"""Copies of objects."""

from __future__ import annotations

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import checksum
from scones.cloud.services.s3.acl_operations import AccessControl
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.conditions import check_conditional_write
from scones.cloud.services.s3.copy_sources import CopySources
from scones.cloud.services.s3.encryption import ObjectEncryption
from scones.cloud.services.s3.incoming_bodies import IncomingBodies
from scones.cloud.services.s3.object_record import ObjectRecord, check_key, headers_of
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.tags import tags_in_header
from scones.cloud.services.s3.version_ids import issued
from scones.cloud.wire.members import Members

LARGEST_COPY = 5 * 1024**3
"""Maximum number of bytes that one CopyObject copies."""


class CopyOperations:
    """CopyObject."""

    def __init__(
        self,
        *,
        buckets: BucketRecords,
        objects: StoredObjects,
        sources: CopySources,
        bodies: IncomingBodies,
        encryption: ObjectEncryption,
        access: AccessControl,
    ) -> None:
        self._buckets = buckets
        self._objects = objects
        self._sources = sources
        self._bodies = bodies
        self._encryption = encryption
        self._access = access

    async def copy_object(self, call: OperationCall) -> Members:
        """Copy an object with its metadata and tags, or with new ones if a directive is REPLACE."""
        params = call.params
        bucket = self._buckets.find(params)
        check_key(params["Key"])
        check_conditional_write(params)
        settings = self._encryption.requested(bucket.name, params) | self._access.requested(bucket.name, params)
        source = self._sources.find(params)
        onto_itself = (source.bucket, source.key) == (bucket.name, params["Key"])
        if onto_itself and not (_changes_something(params) or self._encryption.is_configured(bucket.name)):
            raise ServiceError(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself without changing the "
                "object's metadata, storage class, website redirect location or encryption attributes.",
            )
        if source.size > LARGEST_COPY:
            raise ServiceError(
                "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{LARGEST_COPY}",
            )
        algorithm = checksum.require(params.get("ChecksumAlgorithm", source.checksum.algorithm))
        tags = source.tags
        if params.get("TaggingDirective") == "REPLACE":
            tags = tags_in_header(params.get("Tagging", ""))
        headers = headers_of(params) if params.get("MetadataDirective") == "REPLACE" else source.headers
        content = await self._bodies.copy(await self._objects.body(source), algorithm)
        kept = {name: value for name, value in params.items() if name in ("Key", "StorageClass")}
        record = ObjectRecord.received(bucket.name, {**kept, **headers, "Grants": None, **settings}, content, tags)
        try:
            version = await self._objects.replace(record, call, "ObjectCreated:Copy")
        except BaseException:
            await self._bodies.drop(content)
            raise
        result = {"ETag": f'"{record.etag}"', "LastModified": record.modified // 1000, **record.checksum.members()}
        return {
            "CopyObjectResult": result,
            "VersionId": bucket.shown(version),
            "Expiration": self._objects.expiration(record),
            "CopySourceVersionId": issued(source.version),
            **record.encryption(),
        }


def _changes_something(params: Members) -> bool:
    """Return True if a copy of an object onto itself changes it; a copy of an older version restores that version."""
    changes = {"ServerSideEncryption", "StorageClass", "WebsiteRedirectLocation"} & params.keys()
    return bool(changes) or params.get("MetadataDirective") == "REPLACE" or "?versionId=" in params["CopySource"]
