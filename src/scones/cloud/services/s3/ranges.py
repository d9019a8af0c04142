"""The range headers of GetObject and UploadPartCopy."""

from __future__ import annotations

import re

from scones.cloud.errors import ServiceError

_OFFSET = "[0-9]{1,64}"
"""Pattern of an offset in a range; S3 does not document a limit on its digits."""
ONE_RANGE = re.compile(rf"bytes=((?:{_OFFSET})?)-((?:{_OFFSET})?)")
_COPY_RANGE = re.compile(f"bytes=({_OFFSET})-({_OFFSET})")


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the start and end (exclusive) of the requested range of an object of `size` bytes.

    Returns None if the header is not a single byte range: S3 then returns the complete object. Raises `InvalidRange`
    (416) if the range contains no byte of the object.
    """
    match = ONE_RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise ServiceError(
            "InvalidRange",
            "The requested range is not satisfiable",
            416,
            RangeRequested=header,
            ActualObjectSize=size,
        )
    return start, end


def parse_copy_range(header: str, size: int) -> tuple[int, int]:
    """Return the start and end (exclusive) of UploadPartCopy's range: `bytes=first-last`, within the source.

    Raises `InvalidRequest` for a range that starts after the source's end, and `InvalidArgument` for any other range.
    `size` is the source's size in bytes.
    """
    match = _COPY_RANGE.fullmatch(header)
    if match is None or int(match[2]) < int(match[1]):
        raise ServiceError(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    if int(match[1]) >= size:
        raise ServiceError("InvalidRequest", "The specified copy range is invalid for the source object size")
    if int(match[2]) >= size:
        raise ServiceError(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    return int(match[1]), int(match[2]) + 1
