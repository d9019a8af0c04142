"""Listings of versions and delete markers: ListObjectVersions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain

from scones.cloud.core.store import Store
from scones.cloud.core.text_order import Bound, successor
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.listings import ListingPage, common_members, key_encoder, paced, page_limit
from scones.cloud.services.s3.scan import ListingEntry, later, listing_entries
from scones.cloud.services.s3.version_ids import LAST_POSITION, position_of
from scones.cloud.wire.members import Members

_NEWEST = LAST_POSITION
"""Position of a current object in a listing: it comes before the older versions of its key."""
_COLUMNS = "key, version, size, etag, modified, storage_class, checksum_algorithm, checksum_type, tags"
_CURRENT = f"""
    SELECT {_COLUMNS}, {_NEWEST} AS position, 0 AS marker FROM s3_objects
    WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key
"""  # noqa: S608 - constants
_OLDER = f"""
    SELECT {_COLUMNS}, position, marker FROM s3_versions
    WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key, position DESC
"""  # noqa: S608 - constants
_OLDER_OF_KEY = f"""
    SELECT {_COLUMNS}, position, marker FROM s3_versions
    WHERE bucket = ? AND key = ? AND position < ? ORDER BY position DESC
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class FoundVersions:
    """Entries of a listing; `newest` is the ID of the newest version of the key with which a page continues."""

    entries: list[ListingEntry]
    newest: str | None


@dataclass(frozen=True, slots=True)
class VersionScan:
    """The versions of a bucket's keys with a prefix, ordered by key; the newest version of a key comes first."""

    connection: sqlite3.Connection
    bucket: str
    prefix: str
    delimiter: str

    def seek(self, position: Bound) -> Iterator[sqlite3.Row]:
        """Return the versions from a key on."""
        place = (self.bucket, position, successor(self.prefix))
        current, older = (self.connection.execute(query, place) for query in (_CURRENT, _OLDER))
        return merge(current, older, key=lambda row: (row["key"], -row["position"]))

    def entries(self, key_marker: str, version_marker: str, limit: int) -> FoundVersions:
        """Return up to `limit` entries after a key, or after a version of the key."""
        rows = self.seek(later(self.prefix, self._start_after(key_marker)))
        newest: str | None = None
        if version_marker and key_marker.startswith(self.prefix) and not self._group(key_marker):
            first = next(self.seek(key_marker), None)
            newest = first["version"] if first is not None and first["key"] == key_marker else None
            rows = chain(self._rest_of_key(key_marker, version_marker), rows)
        return FoundVersions(listing_entries(rows, self.seek, self.prefix, self.delimiter, limit), newest)

    def _group(self, key: str) -> str:
        """Return the common prefix of a key, or an empty text."""
        cut = key.find(self.delimiter, len(self.prefix)) if self.delimiter and key.startswith(self.prefix) else -1
        return "" if cut < 0 else key[: cut + len(self.delimiter)]

    def _start_after(self, marker: str) -> Bound:
        if group := self._group(marker):
            return successor(group)
        return marker + "\0" if marker else ""

    def _rest_of_key(self, key: str, marker: str) -> Iterator[sqlite3.Row]:
        """Return the versions of a key that are older than a version, which may have been deleted."""
        row = self.connection.execute(
            "SELECT position FROM s3_versions WHERE bucket = ? AND key = ? AND version = ?", (self.bucket, key, marker)
        ).fetchone()
        if row is not None:
            return self._older(key, row["position"])
        current = next(self.connection.execute(_CURRENT, (self.bucket, key, key + "\0")), None)
        if current is not None and current["version"] == marker:
            return self._older(key, _NEWEST)
        # The marker was deleted: the current object may be an older version, which became current by the deletion. A
        # null version has no position: all versions that remain are listed after it.
        place = position_of(marker) or _NEWEST
        if current is None or (position_of(current["version"]) or 0) >= place:
            return self._older(key, place)
        return chain([current], self._older(key, place))

    def _older(self, key: str, position: int) -> Iterator[sqlite3.Row]:
        return self.connection.execute(_OLDER_OF_KEY, (self.bucket, key, position))


class VersionListingOperations:
    """ListObjectVersions."""

    def __init__(self, store: Store, buckets: BucketRecords) -> None:
        self._store = store
        self._buckets = buckets

    async def list_object_versions(self, call: OperationCall) -> Members:
        """List versions and delete markers; in a bucket without versioning, each object has one version, `null`."""
        params = call.params
        bucket, limit, url = self._buckets.requested(params), page_limit(params), key_encoder(params)
        key_marker, version_marker = params.get("KeyMarker", ""), params.get("VersionIdMarker", "")
        if version_marker and not key_marker:
            message = "A version-id marker cannot be specified without a key marker."
            raise errors.invalid_argument(message, "version-id-marker", version_marker)

        def read(connection: sqlite3.Connection) -> tuple[ListingPage, str | None]:
            scan = VersionScan(connection, bucket, params.get("Prefix", ""), params.get("Delimiter", ""))
            found = scan.entries(key_marker, version_marker, limit + 1) if limit else FoundVersions([], None)
            return self._build_page(found, limit, params)

        page, last_version = await self._store.read_on_thread_with(read)
        return {
            **common_members(params, page, limit),
            "KeyMarker": url(key_marker),
            "VersionIdMarker": version_marker,
            "NextKeyMarker": url(page.last) if page.truncated else None,
            "NextVersionIdMarker": last_version if page.truncated else None,
            "Versions": [version for version in page.contents if "ETag" in version],
            "DeleteMarkers": [version for version in page.contents if "ETag" not in version],
            "CommonPrefixes": page.members()["CommonPrefixes"],
        }

    def _build_page(self, found: FoundVersions, limit: int, params: Members) -> tuple[ListingPage, str | None]:
        """Return a page of entries, and the version ID of its last entry."""
        url, page = key_encoder(params), found.entries[:limit]
        continued = params.get("KeyMarker") if found.newest is not None else None
        previous: str | None = None
        versions, prefixes = [], []
        for entry in paced(page, params):
            if entry.row is None:
                prefixes.append(url(entry.name))
                continue
            first = entry.name != previous
            latest = entry.row["version"] == found.newest if entry.name == continued else first
            previous = entry.name
            versions.append(self._version(entry.row, url(entry.name), latest=latest))
        last = page[-1] if page else None
        truncated = len(found.entries) > limit
        last_version = last.row["version"] if last and last.row is not None else None
        return ListingPage(versions, prefixes, last.name if last else "", truncated), last_version

    def _version(self, row: sqlite3.Row, key: str, *, latest: bool) -> Members:
        version: Members = {
            "Key": key,
            "VersionId": row["version"],
            "IsLatest": latest,
            "LastModified": row["modified"] // 1000,
            "Owner": self._buckets.owner,
        }
        if row["marker"]:
            return version
        return {
            **version,
            "ETag": f'"{row["etag"]}"',
            "ChecksumAlgorithm": [row["checksum_algorithm"]],
            "ChecksumType": row["checksum_type"],
            "Size": row["size"],
            "StorageClass": row["storage_class"],
        }
