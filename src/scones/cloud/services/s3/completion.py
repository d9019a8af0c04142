"""The object that CompleteMultipartUpload creates, and the checks of the request against the stored parts."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from itertools import pairwise

from scones.cloud.core.clock import now_ms
from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import checksum, errors
from scones.cloud.services.s3.object_record import ObjectRecord
from scones.cloud.services.s3.upload_records import MultipartUpload, has_conflict
from scones.cloud.wire.members import Members

SMALLEST_PART = 5 * 1024**2
"""Minimum number of bytes of every part except the last."""


def selected_parts(
    named_parts: list[Members], parts: Mapping[int, sqlite3.Row], upload: MultipartUpload
) -> list[sqlite3.Row]:
    """Return the parts that a client names; raises S3's error if their order, ETags, checksums or sizes are wrong."""
    if any("PartNumber" not in part or "ETag" not in part for part in named_parts):
        raise errors.malformed_xml()
    given = [part["PartNumber"] for part in named_parts]
    if any(later <= earlier for earlier, later in pairwise(given)):
        raise ServiceError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            UploadId=upload.id,
        )
    for part in named_parts:
        _check_part(part, parts.get(part["PartNumber"]), upload)
    for number in given[:-1]:
        if (size := parts[number]["size"]) < SMALLEST_PART:
            raise ServiceError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=size,
                MinSizeAllowed=SMALLEST_PART,
                PartNumber=number,
                ETag=parts[number]["md5"].hex(),
            )
    return [parts[number] for number in given]


def _check_part(part: Members, found: sqlite3.Row | None, upload: MultipartUpload) -> None:
    number, etag, name = part["PartNumber"], part["ETag"].strip('"'), f"Checksum{upload.checksum_algorithm}"
    for other in checksum.ALGORITHMS:
        if upload.client_chose_algorithm and other != upload.checksum_algorithm and f"Checksum{other}" in part:
            message = f"The {other.lower()} you specified for part {number} did not match what we received."
            raise ServiceError("BadDigest", message)
    if upload.client_chose_algorithm and upload.checksum_type == "COMPOSITE" and name not in part:
        raise ServiceError(
            "InvalidRequest",
            f"The upload was created using a {upload.checksum_algorithm.lower()} checksum. The complete request must "
            f"include the checksum for each part. It was missing for part {number} in the request.",
        )
    if found is None or found["md5"].hex() != etag or part.get(name, found["checksum"]) != found["checksum"]:
        raise ServiceError(
            "InvalidPart",
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
            UploadId=upload.id,
            PartNumber=number,
            ETag=etag,
        )


def assembled(upload: MultipartUpload, parts: list[sqlite3.Row]) -> ObjectRecord:
    """Return the object that an upload's parts form."""
    digest = hashlib.md5(b"".join(part["md5"] for part in parts), usedforsecurity=False).hexdigest()
    algorithm = upload.checksum_algorithm
    if upload.checksum_type == "COMPOSITE":
        proof = checksum.composite(algorithm, [part["checksum"] for part in parts])
    else:
        proof = checksum.combined(algorithm, [(part["checksum"], part["size"]) for part in parts])
    return ObjectRecord(
        bucket=upload.bucket,
        key=upload.key,
        size=sum(part["size"] for part in parts),
        etag=f"{digest}-{len(parts)}",
        modified=now_ms(),
        checksum=proof,
        storage_class=upload.storage_class,
        headers=upload.object_headers(),
        tags=upload.tags,
        upload=upload.id,
    )


def check_conflict(connection: sqlite3.Connection, params: Members, upload: MultipartUpload) -> None:
    """Raise `ConditionalRequestConflict` for a conditional completion if its key has changed since the upload began."""
    condition = "If-Match" if "IfMatch" in params else "If-None-Match" if "IfNoneMatch" in params else None
    if condition is not None and has_conflict(connection, upload.id):
        raise ServiceError(
            "ConditionalRequestConflict",
            "The conditional request cannot succeed due to a conflicting operation against this resource.",
            409,
            Condition=condition,
            Key=upload.key,
        )


def check_checksum_type(params: Members, upload: MultipartUpload) -> None:
    """Raise `InvalidRequest` if a completion names another checksum type than the start of the upload did."""
    chosen = upload.checksum_type if upload.client_chose_algorithm else "null"
    if params.get("ChecksumType", chosen) != chosen:
        raise ServiceError(
            "InvalidRequest",
            f"The upload was created using the {chosen} checksum mode. The complete request must use the same checksum "
            "mode.",
        )


def check_full_object(params: Members, record: ObjectRecord) -> None:
    """Raise an error if the object's size or checksum differs from the values that the client computed for it."""
    if (size := params.get("MpuObjectSize")) is not None and size != record.size:
        raise ServiceError(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {size} does not match what was computed: {record.size}",
        )
    sent = checksum.sent_in(params)
    if sent and sent[0] == record.checksum.algorithm and sent[1] != record.checksum.value:
        name = record.checksum.algorithm.lower()
        raise ServiceError("BadDigest", f"The {name} you specified did not match the calculated checksum.")
