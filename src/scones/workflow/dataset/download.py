"""Open an archive's source at an offset: http, https and s3, each as one stream of bytes."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from scones.workflow.dataset.errors import SourceError

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_s3 import S3Client

BREAKS: tuple[type[Exception], ...] = (OSError, http.client.HTTPException, BotoCoreError)
"""Exceptions of a read whose connection broke; retry from the offset reached."""


@dataclass(frozen=True)
class Stream:
    """A source opened for reading, at `offset` of `total` bytes; `etag` names this version of it.

    `read(n)` returns at most n bytes as soon as any are available, and none after a complete or a premature end.
    """

    read: Callable[[int], bytes]
    close: Callable[[], None]
    offset: int
    total: int | None
    etag: str | None


Opener = Callable[[int, str | None], Stream]
"""Function that opens a source at an offset, or at 0 if the source no longer has the version that the ETag names.

Raises SourceError if a retry cannot help, and one of BREAKS if it can.
"""


def open_http(url: str, offset: int, etag: str | None, timeout: float) -> Stream:
    """GET a URL from `offset` on (RFC 9110, section 14), through the environment's proxies.

    A server that ignores Range, or whose version differs from `etag`, answers 200: the stream then starts at 0.
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": "scones"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if etag and not etag.startswith("W/"):  # If-Range allows only strong validators
            headers["If-Range"] = etag
    try:
        response = urlopen(Request(url, headers=headers), timeout=timeout)  # noqa: S310 - extract admits http and https
    except HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            return open_http(url, 0, None, timeout)
        raise SourceError(url, f"returned {error.code} {error.reason}") from error
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise SourceError(url, f"has an untrusted certificate ({error.reason.verify_message})") from error
        kind = TimeoutError if isinstance(error.reason, TimeoutError) else ConnectionError
        why = error.reason.strerror if isinstance(error.reason, OSError) else None
        raise kind(f"cannot be reached ({why or error.reason})") from error
    except ValueError as error:
        raise SourceError(url, f"is not a valid address ({error})") from error
    try:
        start, total = _extent(url, response, offset)
    except SourceError:
        response.close()
        raise
    return Stream(response.read1, response.close, start, total, response.headers.get("ETag"))


def _extent(url: str, response: http.client.HTTPResponse, offset: int) -> tuple[int, int | None]:
    """Return the offset at which the response body starts, and the total size (None if unknown)."""
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        if not span or int(span[1]) != offset:
            raise SourceError(url, f"returned other bytes than those requested from offset {offset}")
        return offset, None if span[2] == "*" else int(span[2])
    if response.status != http.HTTPStatus.OK:
        raise SourceError(url, f"returned {response.status} {response.reason}")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def open_s3(client: S3Client, url: str, offset: int, etag: str | None) -> Stream:
    """Open s3://bucket/key from `offset` on, or from 0 if the object has changed."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise SourceError(url, "is not of the form s3://bucket/key")
    try:
        head = client.head_object(Bucket=bucket, Key=key)
        if head["ETag"] != etag or offset >= head["ContentLength"]:
            offset = 0
        if offset:
            reply = client.get_object(Bucket=bucket, Key=key, IfMatch=head["ETag"], Range=f"bytes={offset}-")
        else:
            reply = client.get_object(Bucket=bucket, Key=key, IfMatch=head["ETag"])
    except HTTPClientError:
        raise
    except ClientError as error:
        raise SourceError(url, f"returned {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise SourceError(url, str(error)) from error
    body = reply["Body"]
    return Stream(body.read, body.close, offset, head["ContentLength"], head["ETag"])
