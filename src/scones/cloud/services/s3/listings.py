"""Listings of current objects: ListObjects and ListObjectsV2."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
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

    def members(self) -> Members:
        """Return the output members with the entries; AWS writes them last."""
        return {"Contents": self.contents, "CommonPrefixes": [{"Prefix": prefix} for prefix in self.prefixes]}


class ListingOperations:
    """ListObjects and ListObjectsV2."""

    def __init__(self, store: Store, buckets: BucketRecords) -> None:
        self._store = store
        self._buckets = buckets

    async def list_objects(self, call: OperationCall) -> Members:
        """List objects after a marker, which may be the last key or common prefix of the previous page."""
        params = call.params
        bucket, limit, url = self._buckets.requested(params), page_limit(params), key_encoder(params)
        page = await self._page(bucket, params, params.get("Marker", ""), limit, owner=True)
        delimiter = params.get("Delimiter")
        return {
            **common_members(params, page, limit),
            "Prefix": params.get("Prefix", ""),  # the older operation does not encode it
            "Marker": url(params.get("Marker", "")),
            "NextMarker": url(page.last) if page.truncated and delimiter else None,
            **page.members(),
        }

    async def list_objects_v2(self, call: OperationCall) -> Members:
        """List objects after a key or a continuation token."""
        params = call.params
        bucket, limit, url = self._buckets.requested(params), page_limit(params), key_encoder(params)
        token = params.get("ContinuationToken")
        after = params.get("StartAfter", "")
        if token is not None:
            (after,) = read_key(token, [str], errors.invalid_continuation_token(token))
        page = await self._page(bucket, params, after, limit, owner=params.get("FetchOwner", False))
        return {
            **common_members(params, page, limit),
            "KeyCount": len(page.contents) + len(page.prefixes),
            "ContinuationToken": token,
            "NextContinuationToken": key_token(page.last) if page.truncated else None,
            "StartAfter": url(after) if "StartAfter" in params and token is None else None,
            **page.members(),
        }

    async def _page(self, bucket: str, params: Members, after: str, limit: int, *, owner: bool) -> ListingPage:
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        if limit == 0:
            return ListingPage([], [], "", truncated=False)
        # AWS skips the common prefix of the older operation's marker; its answer for StartAfter is not known
        whole_prefix = "StartAfter" not in params
        start = later(prefix, start_after(prefix, delimiter, after, whole_prefix=whole_prefix))
        end = successor(prefix)

        def read(connection: sqlite3.Connection) -> ListingPage:
            def seek(position: Bound) -> Iterator[sqlite3.Row]:
                return connection.execute(_OBJECTS, (bucket, position, end))

            found = listing_entries(seek(start), seek, prefix, delimiter, limit + 1)
            return self._build_page(found, limit, params, owner=owner)

        return await self._store.read_on_thread_with(read)

    def _build_page(self, found: list[ListingEntry], limit: int, params: Members, *, owner: bool) -> ListingPage:
        """Return a page of entries. Runs in a thread, because URL-encoding a thousand long keys takes 50 ms."""
        url, page = key_encoder(params), found[:limit]
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
            for entry in paced(page, params)
            if entry.row is not None
        ]
        prefixes = [url(entry.name) for entry in paced(page, params) if entry.row is None]
        return ListingPage(contents, prefixes, page[-1].name if page else "", len(found) > limit)


def paced(page: list[ListingEntry], params: Members) -> Iterable[ListingEntry]:
    """Return the entries of a page, with pauses on a thread if it takes long to encode their names."""
    long = params.get("EncodingType") == "url" and sum(len(entry.name) for entry in page) > _LONG_KEYS
    return sliced_on_thread(page) if long else page


def common_members(params: Members, page: ListingPage, limit: int) -> Members:
    """Return the output members that the listings of objects and of versions share."""
    url = key_encoder(params)
    delimiter = params.get("Delimiter")
    return {
        "Name": params["Bucket"],
        "Prefix": url(params.get("Prefix", "")),
        "Delimiter": url(delimiter) if delimiter else None,
        "MaxKeys": limit,
        "EncodingType": params.get("EncodingType"),
        "IsTruncated": page.truncated,
    }


def page_limit(params: Members) -> int:
    """Return the maximum number of entries of a page."""
    limit: int = params.get("MaxKeys", MAX_KEYS)
    if not 0 <= limit < 2**31:
        raise errors.invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647", "max-keys", limit)
    return min(limit, MAX_KEYS)


def key_encoder(params: Members) -> Callable[[str], str]:
    """Return the function that encodes keys and prefixes as a request asks for."""
    return quote if params.get("EncodingType") == "url" else str
