"""Signature Version 2 of S3: in the Authorization header of old clients, and in boto3's presigned URLs."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import NamedTuple

from scones.cloud.core.credentials import constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.wire import numbers
from scones.cloud.wire.request import Request, unicode_text
from scones.cloud.wire.signatures.errors import signature_mismatch
from scones.cloud.wire.signatures.presigned import headers_of
from scones.cloud.wire.signatures.validity import SKEW, check_expiry, missing_date, too_skewed

SCHEME = "AWS"
LATEST = 253_402_300_799
"""Last second of the year 9999, in Unix time: the latest time that a `datetime` can hold."""


class HeaderSignature(NamedTuple):
    """The parts of an Authorization header: `AWS KEY:SIGNATURE`."""

    access_key_id: str
    signature: str


def signature_in_header(request: Request) -> HeaderSignature | None:
    """Return the signature in a request's Authorization header, or None if it has another scheme."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme != SCHEME:
        return None
    access_key_id, colon, signature = rest.strip().partition(":")
    if not colon:
        raise ServiceError(
            "InvalidArgument",
            "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
            ArgumentName="Authorization",
            ArgumentValue=request.headers["authorization"],
        )
    return HeaderSignature(access_key_id, signature)


def check_header(request: Request, claimed: HeaderSignature, secret: str) -> None:
    """Raise `ServiceError` for a date outside the permitted skew, or a wrong signature in the Authorization header."""
    sent = request.headers.get("x-amz-date") or request.headers.get("date", "")
    try:
        date = parsedate_to_datetime(sent)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
    except (TypeError, ValueError, IndexError) as error:
        raise missing_date() from error
    if abs(datetime.now(UTC) - date) > SKEW:
        raise too_skewed()
    signed_date = "" if "x-amz-date" in request.headers else sent
    _check(request, request.headers, signed_date, claimed, secret)


def check_url(request: Request, query: Mapping[str, str], secret: str) -> None:
    """Raise `ServiceError` for an expired URL or a wrong signature in it; `query` has one value per parameter."""
    try:
        expires = numbers.unsigned_integer(query.get("Expires", ""), LATEST)
    except ValueError as error:
        raise missing_parameters() from error
    check_expiry(datetime.fromtimestamp(expires, UTC))
    claimed = HeaderSignature(query["AWSAccessKeyId"], query["Signature"])
    _check(request, headers_of(request), query["Expires"], claimed, secret)


def missing_parameters() -> ServiceError:
    """Return the error for a URL that lacks parameters of its signature."""
    message = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
    return ServiceError("AccessDenied", message, 403)


def signature(secret: str, text: str) -> str:
    """Return the signature of a text."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


def _check(request: Request, headers: Mapping[str, str], date: str, claimed: HeaderSignature, secret: str) -> None:
    """Raise `ServiceError` for a wrong signature. The path of a bucket is signed with or without a final slash."""
    path = request.resource
    paths = [path, f"{path}/"] if path.count("/") == 1 else [path]
    texts = [_string_to_sign(request, path, headers, date) for path in paths]
    if not any(constant_time_equal(signature(secret, text), claimed.signature) for text in texts):
        raise signature_mismatch(claimed.access_key_id, claimed.signature, texts[0])


def _string_to_sign(request: Request, path: str, headers: Mapping[str, str], date: str) -> str:
    amazon = sorted(name for name in headers if name.startswith("x-amz-"))
    return "\n".join(
        [
            request.method,
            unicode_text(headers.get("content-md5", "")),
            unicode_text(headers.get("content-type", "")),
            date,
            *[f"{name}:{unicode_text(headers[name]).strip()}" for name in amazon],
            path + _signed_query(request),
        ]
    )


def _signed_query(request: Request) -> str:
    """Return the sub-resources and response headers in a request's query, which are part of the signed resource."""
    signed = sorted(
        f"{name}={value}" if value or f"{name}=" in request.query_string else name
        for name, value in request.query_pairs
        if name in _signed_parameters()
    )
    return f"?{'&'.join(signed)}" if signed else ""


@cache
def _signed_parameters() -> frozenset[str]:
    from botocore.auth import HmacV1Auth  # imported late: clients with Version 4 do not need it

    return frozenset(HmacV1Auth.QSAOfInterest)
