"""Signature Version 2 in presigned URLs of S3, which is still boto3's default for `generate_presigned_url`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from scones.cloud.core.credentials import constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.wire import numbers
from scones.cloud.wire.request import Request
from scones.cloud.wire.signatures.errors import signature_mismatch
from scones.cloud.wire.signatures.validity import check_expiry

LATEST = 253_402_300_799
"""Last second of the year 9999, in Unix time: the latest time that a `datetime` can hold."""


def check_signature(request: Request, query: Mapping[str, str], secret: str) -> None:
    """Raise `ServiceError` for an expired URL or a wrong signature; `query` has one value per parameter."""
    from botocore.auth import HmacV1QueryAuth
    from botocore.compat import HTTPHeaders
    from botocore.credentials import Credentials

    class Presigned(HmacV1QueryAuth):
        """botocore's signer with the expiry time from the URL instead of the current time."""

        def _get_date(self) -> str:
            return query["Expires"]

    try:
        expires = numbers.unsigned_integer(query.get("Expires", ""), LATEST)
    except ValueError as error:
        raise ServiceError("AccessDenied", "Query-string authentication requires the Expires parameter", 403) from error
    check_expiry(datetime.fromtimestamp(expires, UTC))
    token = query.get("x-amz-security-token")
    headers = HTTPHeaders.from_dict({**request.headers, **({"x-amz-security-token": token} if token else {})})
    names = {"AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token"}
    rest = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in request.query_pairs if name not in names)
    signer = Presigned(Credentials(query["AWSAccessKeyId"], secret))
    url = urlsplit(f"http://host{request.resource}?{rest}")
    expected = signer.get_signature(request.method, url, headers)  # type: ignore[arg-type]  # its type requires get_all
    if not constant_time_equal(expected, query["Signature"]):
        raise signature_mismatch()


def _quote(text: str) -> str:
    return quote(text, safe="-_.~")
