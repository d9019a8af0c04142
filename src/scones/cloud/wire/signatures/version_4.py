"""Signature Version 4: the canonical request, the signing key, and the signature of a request."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from scones.cloud.core.credentials import constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.wire.request import Request, unicode_text
from scones.cloud.wire.signatures.credential_scope import ALGORITHM, CredentialScope
from scones.cloud.wire.signatures.errors import must_be_signed, signature_mismatch
from scones.cloud.wire.signatures.presigned import headers_of

_UNSIGNED_IN_S3 = frozenset({"x-amz-content-sha256"})
"""Header that S3 accepts unsigned, because its value is part of the canonical request."""
_UNSIGNED_ELSEWHERE = _UNSIGNED_IN_S3 | {"x-amz-date", "x-amz-security-token"}
"""Headers that services other than S3 accept unsigned: older clients add the session token after signing.

This is safe, because a session token is valid only with its own access key.
"""


class SignedParts(NamedTuple):
    """The signature, and the signed values other than the request's method, path and headers."""

    access_key_id: str
    signed_headers: str
    """Names of the signed headers, separated by semicolons."""
    signature: str
    date: str
    payload_hash: str
    """SHA-256 of the body in hex, or one of the words that replace it, such as UNSIGNED-PAYLOAD."""
    query_pairs: Sequence[tuple[str, str]]


class SigningKey(NamedTuple):
    """A key for the signatures of one day, region and service, and the scope in which it is valid."""

    key: bytes
    scope: str


def signing_key(secret: str, claimed: CredentialScope) -> SigningKey:
    """Return the signing key of a secret access key in the scope of a Credential."""
    _, day, region, service, _ = claimed
    return SigningKey(_derived_key(secret, day, region, service), f"{day}/{region}/{service}/aws4_request")


def check_signature(request: Request, signed: SignedParts, signing: SigningKey, service: str) -> None:
    """Raise `ServiceError` unless the signature of a request is the one that the signing key yields."""
    names, repeated = _signed_headers(signed.signed_headers)
    if "host" not in names:
        raise must_be_signed("Host")
    if service == "s3":
        _reject_unsigned_headers(request.headers, names, service)
    canonical = _canonical_request(request, signed, names, service)
    text = "\n".join([ALGORITHM, signed.date, signing.scope, hashlib.sha256(canonical.encode()).hexdigest()])
    keyed = _hmac_with_key(signing.key).copy()
    keyed.update(text.encode())
    if repeated or not constant_time_equal(keyed.hexdigest(), signed.signature):
        raise signature_mismatch(signed.access_key_id, signed.signature, text, canonical)
    if service != "s3":
        _reject_unsigned_headers(request.headers, names, service)


def _canonical_request(request: Request, signed: SignedParts, names: Mapping[str, None], service: str) -> str:
    headers = headers_of(request)
    return "\n".join(
        [
            request.method,
            request.raw_path if service == "s3" else _normalized(request.raw_path),
            _canonical_query(signed.query_pairs) if signed.query_pairs else "",
            *[f"{name}:{' '.join(unicode_text(headers.get(name, '')).split())}" for name in names],
            "",
            signed.signed_headers,
            signed.payload_hash,
        ]
    )


@lru_cache(64)  # a client signs the same headers in each request of an operation
def _signed_headers(text: str) -> tuple[Mapping[str, None], bool]:
    """Return the names of the signed headers in their order, and True if a name occurs more than once.

    Such a signature is invalid: each repetition would add the header to the canonical request again.
    """
    names = text.split(";")
    found = dict.fromkeys(names)
    return found, len(found) < len(names)


def _reject_unsigned_headers(headers: Mapping[str, str], signed: Mapping[str, None], service: str) -> None:
    """Reject `x-amz-*` headers that were added after signing.

    The error for S3 is AWS's. For other services only AWS's error for an unsigned Host is known; its message is used.
    """
    allowed = _UNSIGNED_IN_S3 if service == "s3" else _UNSIGNED_ELSEWHERE
    unsigned = [name for name in headers if name not in signed and name.startswith("x-amz-") and name not in allowed]
    if not unsigned:
        return
    names = ", ".join(sorted(unsigned))
    if service == "s3":
        raise ServiceError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            403,
            HeadersNotSigned=names,
        )
    raise must_be_signed(names)


def _canonical_query(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted((_quote(name), _quote(value)) for name, value in pairs))


def _quote(text: str) -> str:
    return quote(text, safe="-_.~")


@lru_cache(256)
def _normalized(raw_path: str) -> str:
    """Encode a path a second time: every service except S3 requires this in the canonical request."""
    return quote(raw_path, safe="/-_.~") or "/"


@lru_cache(maxsize=256)
def _derived_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=256)
def _hmac_with_key(key: bytes) -> hmac.HMAC:
    """Return an HMAC to copy: processing the key is half the work of an HMAC."""
    return hmac.new(key, digestmod="sha256")
