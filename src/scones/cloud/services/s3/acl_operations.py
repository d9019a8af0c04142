"""The ACLs of buckets and objects."""

from __future__ import annotations

import sqlite3

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.access_control_lists import are_public, owners_grants, requested_grants
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.changed_object import ChangedObject
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.services.s3.ownership_controls import ENFORCED
from scones.cloud.services.s3.ownership_controls import SETTING as OWNERSHIP
from scones.cloud.services.s3.public_access_blocks import PublicAccessBlocks
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.wire.members import Members

SETTING = "ACL"


class AccessControl:
    """The ACLs that buckets and objects have, and those that requests may set."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._owner = buckets.owner
        self._settings = settings
        self._blocks = PublicAccessBlocks(settings)

    def bucket_grants(self, bucket: str) -> list[Members]:
        """Return the grants of a bucket's ACL."""
        grants: list[Members] | None = self._settings.get(bucket, SETTING) if self.enabled(bucket) else None
        return owners_grants(self._owner) if grants is None else grants

    def object_grants(self, record: ObjectRecord) -> list[Members]:
        """Return the grants of an object's ACL."""
        grants: list[Members] | None = record.headers.get("Grants") if self.enabled(record.bucket) else None
        return owners_grants(self._owner) if grants is None else grants

    def enabled(self, bucket: str) -> bool:
        """Return True if the bucket's object ownership permits ACLs."""
        ownership: str | None = self._settings.get(bucket, OWNERSHIP, ENFORCED)
        return ownership != ENFORCED

    def requested(self, bucket: str, params: Members) -> Members:
        """Return the ACL that a request sets for a new object, as the stored header `Grants`, or no header.

        Raises the error of an invalid ACL, and of one that the bucket does not allow.
        """
        grants = requested_grants(params, self._owner)
        if grants is None or grants == owners_grants(self._owner):
            return {}
        if not self.enabled(bucket):
            raise ServiceError("AccessControlListNotSupported", "The bucket does not allow ACLs")
        if are_public(grants) and self._blocks.of(bucket)["BlockPublicAcls"]:
            raise errors.access_denied()
        return {"Grants": grants}

    def replacement(self, bucket: str, params: Members) -> list[Members] | None:
        """Return the grants that replace an ACL, or None for the owner's full control only."""
        if not any(name in params for name in ("ACL", "AccessControlPolicy")) and not any(
            name.startswith("Grant") for name in params
        ):
            raise ServiceError(
                "MissingSecurityHeader", "Your request was missing a required header", MissingHeaderName="x-amz-acl"
            )
        return self.requested(bucket, params).get("Grants")


class AclOperations:
    """PutBucketAcl, GetBucketAcl, PutObjectAcl and GetObjectAcl."""

    def __init__(
        self,
        store: Store,
        *,
        buckets: BucketRecords,
        settings: BucketSettings,
        objects: StoredObjects,
        access: AccessControl,
        notifier: Notifier,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._buckets = buckets
        self._settings = settings
        self._objects = objects
        self._access = access

    async def put_bucket_acl(self, call: OperationCall) -> Members:
        """Replace a bucket's ACL."""
        bucket = self._buckets.requested(call.params)
        await self._settings.put(bucket, SETTING, self._access.replacement(bucket, call.params))
        return {}

    async def get_bucket_acl(self, call: OperationCall) -> Members:
        """Return a bucket's ACL."""
        bucket = self._buckets.requested(call.params)
        return {"Owner": self._buckets.owner, "Grants": self._access.bucket_grants(bucket)}

    async def put_object_acl(self, call: OperationCall) -> Members:
        """Replace the ACL of an object's current version, or of the named version."""
        params = call.params
        bucket, key = self._buckets.find(params), params["Key"]
        version = params.get("VersionId")
        record = self._objects.find(bucket, key, version, method="PUT", marker_is_missing=False)
        grants = self._access.replacement(bucket.name, params)
        is_change = grants != record.headers.get("Grants")

        def write(connection: sqlite3.Connection) -> None:
            record.store_header(connection, "Grants", grants)
            if is_change:
                self._notifier.store(connection, "ObjectAcl:Put", call, ChangedObject.described(record))

        await self._store.write(write)
        self._notifier.wake(bucket.name)
        return {}

    async def get_object_acl(self, call: OperationCall) -> Members:
        """Return the ACL of an object's current version, or of the named version."""
        params = call.params
        record = self._objects.find(self._buckets.find(params), params["Key"], params.get("VersionId"))
        return {"Owner": self._buckets.owner, "Grants": self._access.object_grants(record)}
