"""Listings of objects: ListObjects, ListObjectsV2 and ListObjectVersions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from scones.cloud.core.pages import key_token, read_key
from scones.cloud.core.store import Store
from scones.cloud.core.text_order import Bound, successor
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.scan import ListingEntry, later, listing_entries, start_after
from scones.cloud.wire.members import Members

MAX_KEYS = 1000
"""Maximum number of entries per page."""

_LONG_KEYS = 100_000
"""Total length of a page's keys, in characters, above which they are URL-encoded in time slices."""
_OBJECTS = """
    SELECT key, size, etag, modified, storage_class, checksum_algorithm, checksum_type FROM s3_objects
    WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key
"""


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of a listing; `last` is the name of its last entry, a key or a common prefix."""

    contents: list[Members]
    prefixes: list[str]
    last: str
    truncated: bool


class ListingOperations:
    """ListObjects, ListObjectsV2 and ListObjectVersions."""

    def __init__(self, store: Store, buckets: BucketRecords) -> None:
        self._store = store
        self._buckets = buckets

    async def list_objects(self, call: OperationCall) -> Members:
        """List objects after a marker, which may be the last key or common prefix of the previous page."""
        params = call.params
        bucket, limit, url = self._buckets.requested(params), _limit(params), _encoder(params)
        page = await self._page(bucket, params, params.get("Marker", ""), limit, owner=True)
        delimiter = params.get("Delimiter")
        return {
            **_common(params, page, limit),
            "Prefix": params.get("Prefix", ""),  # the older operation does not encode it
            "Marker": url(params.get("Marker", "")),
            "NextMarker": url(page.last) if page.truncated and delimiter else None,
        }

    async def list_objects_v2(self, call: OperationCall) -> Members:
        """List objects after a key or a continuation token."""
        params = call.params
        bucket, limit, url = self._buckets.requested(params), _limit(params), _encoder(params)
        token = params.get("ContinuationToken")
        after = params.get("StartAfter", "")
        if token is not None:
            (after,) = read_key(token, [str], errors.invalid_continuation_token(token))
        page = await self._page(bucket, params, after, limit, owner=params.get("FetchOwner", False))
        return {
            **_common(params, page, limit),
            "KeyCount": len(page.contents) + len(page.prefixes),
            "ContinuationToken": token,
            "NextContinuationToken": key_token(page.last) if page.truncated else None,
            "StartAfter": url(params["StartAfter"]) if "StartAfter" in params else None,
        }

    async def list_object_versions(self, call: OperationCall) -> Members:
        """List objects as versions: without versioning, each object has one version with the ID `null`."""
        params = call.params
        bucket, limit, url = self._buckets.requested(params), _limit(params), _encoder(params)
        if "VersionIdMarker" in params and "KeyMarker" not in params:
            message = "A version-id marker cannot be specified without a key marker."
            raise errors.invalid_argument(message, "version-id-marker", params["VersionIdMarker"])
        page = await self._page(bucket, params, params.get("KeyMarker", ""), limit, owner=True)
        common = _common(params, page, limit)
        objects = common.pop("Contents")
        return {
            **common,
            "Versions": [{**each, "VersionId": "null", "IsLatest": True} for each in objects],
            "KeyMarker": url(params.get("KeyMarker", "")),
            "VersionIdMarker": params.get("VersionIdMarker", ""),
            "NextKeyMarker": url(page.last) if page.truncated else None,
            "NextVersionIdMarker": "null" if page.truncated else None,
        }

    async def _page(self, bucket: str, params: Members, after: str, limit: int, *, owner: bool) -> ListingPage:
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        if limit == 0:
            return ListingPage([], [], "", truncated=False)
        start = later(prefix, start_after(prefix, delimiter, after))
        end = successor(prefix)

        def read(connection: sqlite3.Connection) -> ListingPage:
            def seek(position: Bound) -> Iterator[sqlite3.Row]:
                return connection.execute(_OBJECTS, (bucket, position, end))

            found = listing_entries(seek(start), seek, prefix, delimiter, limit + 1)
            return self._build_page(found, limit, params, owner=owner)

        return await self._store.read_on_thread_with(read)

    def _build_page(self, found: list[ListingEntry], limit: int, params: Members, *, owner: bool) -> ListingPage:
        """Return a page of entries. Runs in a thread, because URL-encoding a thousand long keys takes 50 ms."""
        quoted = params.get("EncodingType") == "url" and sum(len(entry.name) for entry in found) > _LONG_KEYS
        url, page = _encoder(params), found[:limit]
        contents = [
            {
                "Key": url(entry.name),
                "LastModified": entry.row["modified"] // 1000,
                "ETag": f'"{entry.row["etag"]}"',
                "ChecksumAlgorithm": [entry.row["checksum_algorithm"]],
                "ChecksumType": entry.row["checksum_type"],
                "Size": entry.row["size"],
                "StorageClass": entry.row["storage_class"],
                "Owner": self._buckets.owner if owner else None,
            }
            for entry in (sliced_on_thread(page) if quoted else page)
            if entry.row is not None
        ]
        prefixes = [url(entry.name) for entry in (sliced_on_thread(page) if quoted else page) if entry.row is None]
        return ListingPage(contents, prefixes, page[-1].name if page else "", len(found) > limit)


def _common(params: Members, page: ListingPage, limit: int) -> Members:
    url = _encoder(params)
    delimiter = params.get("Delimiter")
    return {
        "Name": params["Bucket"],
        "Prefix": url(params.get("Prefix", "")),
        "Delimiter": url(delimiter) if delimiter else None,
        "MaxKeys": limit,
        "EncodingType": params.get("EncodingType"),
        "IsTruncated": page.truncated,
        "Contents": page.contents,
        "CommonPrefixes": [{"Prefix": prefix} for prefix in page.prefixes],
    }


def _limit(params: Members) -> int:
    limit: int = params.get("MaxKeys", MAX_KEYS)
    if not 0 <= limit < 2**31:
        raise errors.invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647", "max-keys", limit)
    return min(limit, MAX_KEYS)


def _encoder(params: Members) -> Callable[[str], str]:
    return quote if params.get("EncodingType") == "url" else str
