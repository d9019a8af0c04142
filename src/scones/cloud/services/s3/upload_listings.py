"""Listings of multipart uploads and of their parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from urllib.parse import quote

from scones.cloud.core.store import Store
from scones.cloud.core.text_order import Bound, successor
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.parts import part_number_marker
from scones.cloud.services.s3.scan import ListingEntry, later, listing_entries, start_after
from scones.cloud.services.s3.upload_records import MultipartUpload, UploadRecords
from scones.cloud.wire.members import Members

_UPLOADS = """
    SELECT * FROM s3_uploads WHERE bucket = ? AND (key, initiated, id) > (?, ?, ?) AND key < ?
    ORDER BY key, initiated, id
"""


class UploadListingOperations:
    """ListParts and ListMultipartUploads."""

    def __init__(self, store: Store, buckets: BucketRecords, uploads: UploadRecords) -> None:
        self._store = store
        self._buckets = buckets
        self._uploads = uploads

    async def list_parts(self, call: OperationCall) -> Members:
        """List an upload's parts in pages, sorted by number."""
        params = call.params
        upload = self._uploads.requested(params)
        limit, marker = min(params.get("MaxParts", 1000), 1000), part_number_marker(params)
        parts = self._store.rows(
            "SELECT * FROM s3_parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
            upload.id,
            marker,
            limit + 1,
        )
        page = parts[:limit]
        return {
            "Bucket": upload.bucket,
            "Key": upload.key,
            "UploadId": upload.id,
            "Initiator": upload.initiator(self._buckets.owner),
            "Owner": self._buckets.owner,
            "StorageClass": upload.storage_class,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": page[-1]["number"] if page else 0,
            "MaxParts": limit,
            "IsTruncated": len(page) < len(parts),
            "ChecksumAlgorithm": upload.checksum_algorithm if upload.client_chose_algorithm else None,
            "ChecksumType": upload.checksum_type if upload.client_chose_algorithm else None,
            "Parts": [
                {
                    "PartNumber": part["number"],
                    "LastModified": part["modified"] // 1000,
                    "ETag": f'"{part["md5"].hex()}"',
                    "Size": part["size"],
                    f"Checksum{upload.checksum_algorithm}": part["checksum"] if upload.client_chose_algorithm else None,
                }
                for part in page
            ],
        }

    async def list_multipart_uploads(self, call: OperationCall) -> Members:
        """List unfinished uploads in pages, sorted by key and then by start time."""
        params = call.params
        bucket = self._buckets.requested(params)
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        limit, key_marker = min(params.get("MaxUploads", 1000), 1000), params.get("KeyMarker", "")
        marker = self._marker(bucket, key_marker, params.get("UploadIdMarker"))
        if marker is None:
            marker = (later(prefix, start_after(prefix, delimiter, key_marker)), -1, "")
        end = successor(prefix)

        def read(connection: sqlite3.Connection) -> list[ListingEntry]:
            def rows(key: Bound, initiated: int = -1, upload: str = "") -> Iterator[sqlite3.Row]:
                return connection.execute(_UPLOADS, (bucket, key, initiated, upload, end))

            return listing_entries(rows(*marker), rows, prefix, delimiter, limit + 1)

        found = await self._store.read_on_thread_with(read) if limit else []
        truncated, listed = len(found) > limit, found[:limit]
        page = [self._listed(MultipartUpload(*entry.row)) for entry in listed if entry.row is not None]
        last = listed[-1] if truncated or (listed and listed[-1].row is not None) else None
        encode = quote if params.get("EncodingType") == "url" else str
        for entry in page:
            entry["Key"] = encode(entry["Key"])
        return {
            "Bucket": bucket,
            "KeyMarker": encode(key_marker),
            "UploadIdMarker": params.get("UploadIdMarker", "") if key_marker else "",
            "NextKeyMarker": encode(last.name) if last else "",
            "NextUploadIdMarker": last.row["id"] if last and last.row is not None else "",
            "Prefix": encode(prefix) if prefix else None,
            "Delimiter": encode(delimiter) if delimiter else None,
            "MaxUploads": limit,
            "IsTruncated": truncated,
            "EncodingType": params.get("EncodingType"),
            "Uploads": page,
            "CommonPrefixes": [{"Prefix": encode(entry.name)} for entry in listed if entry.row is None],
        }

    def _marker(self, bucket: str, key: str, upload: str | None) -> tuple[Bound, int, str] | None:
        """Return the list position of a key's upload, or None if the upload does not exist or has ended.

        Raises `InvalidArgument` for the upload of another key.
        """
        if not key:
            return None
        row = self._store.row("SELECT bucket, key, initiated FROM s3_uploads WHERE id = ?", upload) if upload else None
        if upload is None or row is None:
            return None
        if (row["bucket"], row["key"]) != (bucket, key):
            raise errors.invalid_argument("Invalid uploadId marker", "upload-id-marker", upload)
        return key, row["initiated"], upload

    def _listed(self, upload: MultipartUpload) -> Members:
        return {
            "UploadId": upload.id,
            "Key": upload.key,
            "Initiated": upload.initiated // 1000,
            "StorageClass": upload.storage_class,
            "Owner": self._buckets.owner,
            "Initiator": upload.initiator(self._buckets.owner),
            "ChecksumAlgorithm": upload.checksum_algorithm if upload.client_chose_algorithm else None,
            "ChecksumType": upload.checksum_type if upload.client_chose_algorithm else None,
        }
