"""S3's limits on the path and the headers of a request."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from scones.cloud.errors import ServiceError

MAX_HEADERS = 8192
"""Maximum bytes of all headers and the query parameters together."""
METADATA = 2048
"""Maximum bytes of an object's user metadata: names without their prefix, and values."""
_PREFIX = "x-amz-meta-"


def check_path(path: str) -> None:
    """Raise `InvalidURI` for an undecoded path that is not UTF-8."""
    if "%" not in path:
        return
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise ServiceError("InvalidURI", "Couldn't parse the specified URI.") from error


def check_headers(headers: Mapping[str, str], query: str) -> None:
    """Raise `ServiceError` for headers that are too large; `query` is the URL's undecoded query."""
    size = len(query) + sum(map(len, headers)) + sum(map(len, headers.values()))
    if size <= METADATA:
        return
    if size > MAX_HEADERS:
        raise ServiceError(
            "RequestHeaderSectionTooLarge",
            "Your request header section exceeds the maximum allowed size.",
            MaxSizeAllowed=MAX_HEADERS,
        )
    metadata = sum(len(name) - len(_PREFIX) + len(value) for name, value in headers.items() if name.startswith(_PREFIX))
    if metadata > METADATA:
        raise ServiceError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=metadata,
            MaxSizeAllowed=METADATA,
        )
