"""The Range header of a GET."""

from __future__ import annotations

import re

from scones.cloud.errors import ServiceError

_OFFSET = "[0-9]{1,64}"
"""An offset in a range; S3's own bound on its digits is not documented."""
ONE_RANGE = re.compile(rf"bytes=((?:{_OFFSET})?)-((?:{_OFFSET})?)")
_COPY_RANGE = re.compile(f"bytes=({_OFFSET})-({_OFFSET})")


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of the one range asked for, within an object of `size` bytes.

    None where the header is not one range of bytes, which S3 answers with the whole object. Raises `InvalidRange`
    (416) where the range has no byte of the object.
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
    """Return start and end of UploadPartCopy's range, which must be `bytes=first-last` and lie in the source."""
    match = _COPY_RANGE.fullmatch(header)
    if match is None or int(match[2]) < int(match[1]):
        raise ServiceError(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    if int(match[2]) >= size:
        raise ServiceError(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    return int(match[1]), int(match[2]) + 1
