"""Listings of objects: ListObjects, ListObjectsV2 and ListObjectVersions."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from scones.cloud.service import Call
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.base import S3Base

MOST = 1000
"""Entries of one page."""

PLAIN = """
    SELECT key, 0 AS cut, size, etag, modified, storage_class, checksum_algorithm, checksum_type FROM s3_objects
    WHERE bucket = ?1 AND key >= ?2 AND key < ?3 ORDER BY key LIMIT ?4
"""

# A loose index scan: each step looks up the next key in the primary key, past all that share the last common prefix,
# so that a page costs as many look-ups as it has entries, however many objects lie below a prefix. `cut` is where the
# delimiter begins behind the prefix, and 0 for an object. Parameters: bucket, first key, end, limit, position behind
# the prefix, delimiter, successor of the delimiter.
GROUPED = """
    WITH RECURSIVE entry (key, cut) AS (
        SELECT key, instr(substr(key, ?5), ?6) FROM (
            SELECT min(key) AS key FROM s3_objects WHERE bucket = ?1 AND key >= ?2 AND key < ?3
        ) WHERE key IS NOT NULL
        UNION ALL
        SELECT found.key, instr(substr(found.key, ?5), ?6) FROM entry JOIN s3_objects AS found
        ON found.bucket = ?1 AND found.key = (
            SELECT min(key) FROM s3_objects WHERE bucket = ?1 AND key < ?3 AND key >= CASE entry.cut
                WHEN 0 THEN entry.key || char(0)
                ELSE substr(entry.key, 1, ?5 + entry.cut - 2) || ?7 END
        )
        LIMIT ?4
    )
    SELECT key, cut, size, etag, modified, storage_class, checksum_algorithm, checksum_type
    FROM entry JOIN s3_objects USING (key) WHERE bucket = ?1 ORDER BY key
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing; `last` is its last key or common prefix."""

    contents: list[dict[str, Any]]
    prefixes: list[str]
    last: str
    truncated: bool


class Listings(S3Base):
    """The ways to list objects."""

    async def list_objects(self, call: Call) -> dict[str, Any]:
        """List objects from behind a marker, which may be the last key or common prefix of a page."""
        params = call.params
        bucket, limit, url = self.check_bucket(params), _limit(params), _encoder(params)
        page = await self._page(bucket, params, params.get("Marker", ""), limit, owner=True)
        delimiter = params.get("Delimiter")
        return {
            **_common(params, page, limit),
            "Marker": url(params.get("Marker", "")),
            "NextMarker": url(page.last) if page.truncated and delimiter else None,
        }

    async def list_objects_v2(self, call: Call) -> dict[str, Any]:
        """List objects from behind a key or a continuation token."""
        params = call.params
        bucket, limit, url = self.check_bucket(params), _limit(params), _encoder(params)
        token = params.get("ContinuationToken")
        after = params.get("StartAfter", "") if token is None else _read_token(token)
        page = await self._page(bucket, params, after, limit, owner=params.get("FetchOwner", False))
        return {
            **_common(params, page, limit),
            "KeyCount": len(page.contents) + len(page.prefixes),
            "ContinuationToken": token,
            "NextContinuationToken": _token(page.last) if page.truncated else None,
            "StartAfter": url(params["StartAfter"]) if "StartAfter" in params else None,
        }

    async def list_object_versions(self, call: Call) -> dict[str, Any]:
        """List objects as versions: of a bucket without versioning each is the only one, and its id is null."""
        params = call.params
        bucket, limit, url = self.check_bucket(params), _limit(params), _encoder(params)
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

    async def _page(self, bucket: str, params: Mapping[str, Any], after: str, limit: int, *, owner: bool) -> Page:
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        if limit == 0:
            return Page([], [], "", truncated=False)
        start = max(prefix, _start(prefix, delimiter, after), key=str.encode)
        bounds = (bucket, start, successor(prefix), limit + 1)
        if delimiter:
            skip = len(prefix) + 1
            rows = await self.store.read_aside(GROUPED, *bounds, skip, delimiter, successor(delimiter))
        else:
            rows = await self.store.read_aside(PLAIN, *bounds)
        url = _encoder(params)
        contents: list[dict[str, Any]] = []
        prefixes: list[str] = []
        last = ""
        for row in rows[:limit]:
            last = row["key"]
            if row["cut"]:
                last = last[: len(prefix) + row["cut"] - 1] + delimiter
                prefixes.append(url(last))
                continue
            contents.append(
                {
                    "Key": url(last),
                    "LastModified": row["modified"] / 1000,
                    "ETag": f'"{row["etag"]}"',
                    "ChecksumAlgorithm": [row["checksum_algorithm"]],
                    "ChecksumType": row["checksum_type"],
                    "Size": row["size"],
                    "StorageClass": row["storage_class"],
                    "Owner": self.owner if owner else None,
                }
            )
        return Page(contents, prefixes, last, len(rows) > limit)


def successor(text: str) -> str | bytes:
    """Return the least text behind all that begin with this one; an empty blob, SQLite's order, if there is none."""
    while text:
        code = ord(text[-1]) + 1
        if code <= 0x10FFFF:
            return text[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)
        text = text[:-1]
    return b""


def _start(prefix: str, delimiter: str, after: str) -> str:
    """Return the least key behind one, or behind all keys of a common prefix that was on the page before."""
    cut = after.find(delimiter, len(prefix)) if delimiter and after.startswith(prefix) else -1
    behind = successor(delimiter)
    if cut >= 0 and cut + len(delimiter) == len(after) and isinstance(behind, str):
        return after[:cut] + behind
    return after + "\0" if after else ""


def _common(params: Mapping[str, Any], page: Page, limit: int) -> dict[str, Any]:
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


def _limit(params: Mapping[str, Any]) -> int:
    limit: int = params.get("MaxKeys", MOST)
    if not 0 <= limit < 2**31:
        raise errors.invalid_argument(
            "Argument maxKeys must be an integer between 0 and 2147483647", "max-keys", limit
        )  # fmt: skip
    return min(limit, MOST)


def _encoder(params: Mapping[str, Any]) -> Any:
    return quote if params.get("EncodingType") == "url" else str


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _read_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise errors.invalid_argument(
            "The continuation token provided is incorrect", "continuation-token", token
        ) from error
