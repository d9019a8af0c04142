"""The object of an event: what was written, removed or marked as deleted."""

from __future__ import annotations

from dataclasses import dataclass

from scones.cloud.core.json_types import JsonDocument
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.services.s3.version_ids import NULL

EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
"""ETag of a delete marker in its event: the MD5 of no bytes."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """The restoration of an archived object: its end in milliseconds since 1970, and the storage class."""

    until: int
    storage_class: str


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """The object of an event. A removed object has neither a size nor an ETag, a delete marker no size."""

    bucket: str
    key: str
    version: str
    size: int | None = None
    etag: str | None = None
    restoration: Restoration | None = None

    @classmethod
    def restored(cls, record: ObjectRecord, restoration: Restoration) -> ChangedObject:
        """Return the object of an event ObjectRestore."""
        return cls(record.bucket, record.key, record.version, record.size, record.etag, restoration)

    @classmethod
    def written(cls, record: ObjectRecord) -> ChangedObject:
        """Return the object of an event ObjectCreated."""
        return cls(record.bucket, record.key, record.version, record.size, record.etag)

    @classmethod
    def described(cls, record: ObjectRecord) -> ChangedObject:
        """Return the object of an event ObjectTagging or ObjectAcl: its body is unchanged."""
        return cls(record.bucket, record.key, record.version, etag=record.etag)

    @classmethod
    def marked(cls, bucket: str, key: str, version: str) -> ChangedObject:
        """Return the object of an event ObjectRemoved:DeleteMarkerCreated, with the version ID of the marker."""
        return cls(bucket, key, version, etag=EMPTY_ETAG)

    def details(self, *, etag: str, version: str) -> JsonDocument:
        """Return the known details; the names of the ETag and of the version ID differ between kinds of events.

        The null version is not named.
        """
        found = {"size": self.size, etag: self.etag, version: None if self.version == NULL else self.version}
        return {name: value for name, value in found.items() if value is not None}
