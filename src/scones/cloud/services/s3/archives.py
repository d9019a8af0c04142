"""Archived objects, those of S3 Glacier, and RestoreObject, which makes them readable for some days.

On AWS, restoring takes minutes or hours; here, an object is restored when RestoreObject returns.
"""

from __future__ import annotations

import sqlite3

from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.changed_object import ChangedObject, Restoration
from scones.cloud.services.s3.lifecycle_rules import YEAR_9999, midnight_after
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.object_record import ARCHIVES, RESTORED, ObjectRecord
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.wire.members import Members

_SELECT = ("Type", "SelectParameters", "OutputLocation")
"""Parameters of the restoration type SELECT."""


class ArchiveOperations:
    """RestoreObject."""

    def __init__(self, store: Store, *, buckets: BucketRecords, objects: StoredObjects, notifier: Notifier) -> None:
        self._store = store
        self._buckets = buckets
        self._objects = objects
        self._notifier = notifier

    async def restore_object(self, call: OperationCall) -> OperationOutput:
        """Make an archived object readable until a midnight, or extend that time."""
        params = call.params
        bucket, key = self._buckets.find(params), params["Key"]
        record = self._objects.find(bucket, key, params.get("VersionId"), method="POST", marker_is_missing=False)
        days = _checked_days(params.get("RestoreRequest", {}), record)
        until, was_restored = min(midnight_after(now_ms(), days), YEAR_9999), record.is_restored
        changed = ChangedObject.restored(record, Restoration(until, record.storage_class))

        def write(connection: sqlite3.Connection) -> None:
            record.store_header(connection, RESTORED, until)
            if not was_restored:
                for event in ("ObjectRestore:Post", "ObjectRestore:Completed"):
                    self._notifier.store(connection, event, call, changed)

        await self._store.write(write)
        self._notifier.wake(bucket.name)
        return OperationOutput({}, 200 if was_restored else 202)


def _checked_days(request: Members, record: ObjectRecord) -> int:
    """Return the days for which an object is restored; raises S3's error if it cannot be."""
    for parameter in _SELECT:
        if parameter in request:
            raise errors.not_implemented(f"RestoreRequest.{parameter}")
    if record.storage_class not in ARCHIVES:
        raise ServiceError(
            "InvalidObjectState",
            "Restore is not allowed for the object's current storage class",
            403,
            StorageClass=record.storage_class,
        )
    days: int = request.get("Days", 0)
    if days < 1:
        raise errors.malformed_xml()
    return days
