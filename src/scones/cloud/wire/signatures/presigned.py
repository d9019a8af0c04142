"""Presigned URLs of S3: their query parameters carry the signature, and headers that the client need not send."""

from __future__ import annotations

from collections.abc import Mapping

from scones.cloud.wire.request import Request

VERSION_4_PARAMETERS = frozenset(
    {
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "X-Amz-Expires",
    }
)
"""Required query parameters of a URL that is signed with Signature Version 4."""
_CONDITIONS = frozenset({"if-match", "if-none-match"})
_BODY = frozenset({"content-md5", "content-type"})


def is_version_4(request: Request) -> bool:
    """Return True if a request's query has a signature of Version 4."""
    return "X-Amz-Signature" in request.query


def is_version_2(request: Request) -> bool:
    """Return True if a request's query has an access key of Version 2."""
    return "AWSAccessKeyId" in request.query


def headers_of(request: Request) -> Mapping[str, str]:
    """Return a request's headers; in a presigned URL, signed query parameters stand for the headers of their names.

    SDKs differ in which headers they put into the query: `x-amz-*`, the conditions of a write, and in Version 2 also
    Content-Type and Content-MD5.
    """
    if not request.query:
        return request.headers
    version_4 = is_version_4(request)
    if not version_4 and not is_version_2(request):
        return request.headers
    named = _CONDITIONS if version_4 else _CONDITIONS | _BODY
    hoisted = {
        lower: value
        for name, value in request.query_pairs
        if (lower := name.lower()) in named or (lower.startswith("x-amz-") and name not in VERSION_4_PARAMETERS)
    }
    return {**hoisted, **request.headers} if hoisted else request.headers
