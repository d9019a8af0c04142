"""Authentication of requests: signatures in headers and presigned URLs, and checks of Host and Origin."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from scones.cloud.core.credentials import Caller, Credentials, constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.wire import numbers

ALGORITHM = "AWS4-HMAC-SHA256"
_FIELDS = {"Credential", "SignedHeaders", "Signature"}
SKEW = timedelta(minutes=15)
"""Maximum difference between a request's time and the cloud's clock, as on AWS."""
EXPIRES_LIMIT = 604_800
"""Maximum validity of a presigned URL in seconds: one week."""
LATEST = 253_402_300_799
"""Last second of the year 9999, in Unix time: the latest time that a `datetime` can hold."""
CREDENTIAL_LIMIT = 512
"""Maximum number of characters of a Credential; AWS's access key IDs have at most 128."""
_UNSIGNED_IN_S3 = frozenset({"x-amz-content-sha256"})
"""Header that S3 accepts unsigned, because its value is part of the canonical request."""
_UNSIGNED_ELSEWHERE = _UNSIGNED_IN_S3 | {"x-amz-date", "x-amz-security-token"}
"""Headers that services other than S3 accept unsigned: older clients add the session token after signing.

This is safe, because a session token is valid only with its own access key.
"""


class Request(NamedTuple):
    """The parts of a request that are signed: undecoded path, lower-case header names, decoded query.

    `resource` is the path including S3's bucket, even if the client put the bucket in the host name.
    """

    method: str
    raw_path: str
    resource: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]


class _CredentialScope(NamedTuple):
    """The parts of a signature's Credential: the access key and the scope of the signature."""

    access_key_id: str
    day: str
    region: str
    service: str
    terminator: str


class Signature(NamedTuple):
    """A verified signature: the caller, the service, and the values needed to verify the signatures of body chunks."""

    caller: Caller
    service: str
    payload_hash: str
    """Declared value of x-amz-content-sha256, or "" if the hash of the body itself was signed instead."""
    chunk_key: bytes
    scope: str
    date: str
    value: str


def scope_of(request: Request) -> tuple[str, str] | None:
    """Return the service and region that a request claims in its Credential, before the signature is verified."""
    credential = _header_fields(request).get("Credential") or dict(request.query).get("X-Amz-Credential", "")
    scope = _credential_scope(credential)
    return (scope.service, scope.region) if scope is not None else None


def require_key(request: Request, credentials: Credentials, account: str) -> None:
    """Reject an unsigned request, or one with an unknown access key, before its body is read."""
    fields, query = _header_fields(request), dict(request.query)
    if "Signature" in fields:
        claimed, token = _credential_scope(fields.get("Credential", "")), request.headers.get("x-amz-security-token")
    elif "X-Amz-Signature" in query:
        claimed, token = _credential_scope(query.get("X-Amz-Credential", "")), query.get("X-Amz-Security-Token")
    elif "AWSAccessKeyId" in query:
        credentials.resolve(query["AWSAccessKeyId"], query.get("x-amz-security-token"), account)
        return
    else:
        raise _missing_authentication()
    if claimed is None:
        raise _malformed_credential()
    credentials.resolve(claimed.access_key_id, token, account)


def _header_fields(request: Request) -> Mapping[str, str]:
    return _authorization(request.headers.get("authorization", ""))


@lru_cache(64)  # needed several times per request
def _authorization(header: str) -> Mapping[str, str]:
    scheme, _, rest = header.partition(" ")
    if scheme != ALGORITHM:
        return {}
    pairs = (field.strip().partition("=") for field in rest.split(","))
    return {name: value for name, _, value in pairs}


def _credential_scope(credential: str) -> _CredentialScope | None:
    return _split_scope(credential) if len(credential) <= CREDENTIAL_LIMIT else None


@lru_cache(256)  # a client's Credential changes once a day
def _split_scope(credential: str) -> _CredentialScope | None:
    parts = credential.rsplit("/", 4)
    return _CredentialScope(*parts) if len(parts) == 5 else None


def verify(
    request: Request, body_hash: str | None, *, credentials: Credentials, account: str, region: str
) -> Signature:
    """Verify the date and the signature of a request; the signature is in its Authorization header or its query.

    `body_hash` is the SHA-256 of the body in hex, or None for a streamed body. For a streamed body, the hash in
    x-amz-content-sha256 is the signed value, and the reader of the body compares the body with it. Raises
    `ServiceError` with the error code of the JSON protocols; `protocol_error` translates it for other protocols.
    """
    query = dict(request.query)
    if "X-Amz-Signature" in query:
        return _verify_presigned(request, query, body_hash, credentials, account, region)
    if "AWSAccessKeyId" in query and "Signature" in query:
        return _verify_version_2(request, query, credentials, account)
    fields = _header_fields(request)
    if not fields.keys() >= _FIELDS:
        raise _missing_authentication()
    date = request.headers.get("x-amz-date", "")
    _check_skew(date)
    declared = request.headers.get("x-amz-content-sha256", "")
    payload_hash = declared or body_hash or hashlib.sha256().hexdigest()
    if body_hash and not fields["Credential"].endswith("/s3/aws4_request"):
        payload_hash = body_hash  # only S3 accepts unsigned bodies
    token = request.headers.get("x-amz-security-token")
    signature = _verify_version_4(
        request, request.query, fields, date, payload_hash, token, credentials, account, region, declared
    )
    if declared and body_hash and not declared.startswith(("UNSIGNED", "STREAMING")) and declared != body_hash:
        raise _signature_mismatch()
    return signature


def _verify_presigned(
    request: Request,
    query: Mapping[str, str],
    body_hash: str | None,
    credentials: Credentials,
    account: str,
    region: str,
) -> Signature:
    date, expires = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
    begin, seconds = _parse_date(date), _expires(expires)
    if begin > datetime.now(UTC) + SKEW:
        raise ServiceError("AccessDenied", "Request is not valid yet", 403)
    _check_expiry(begin + timedelta(seconds=seconds))
    fields = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
    unsigned = [(name, value) for name, value in request.query if name != "X-Amz-Signature"]
    token = query.get("X-Amz-Security-Token")
    s3 = fields["Credential"].endswith("/s3/aws4_request")
    payload_hash = "UNSIGNED-PAYLOAD" if s3 or body_hash is None else body_hash
    return _verify_version_4(
        request, unsigned, fields, date, payload_hash, token, credentials, account, region, payload_hash
    )


def _expires(text: str) -> int:
    """Return the validity of a presigned URL in seconds."""
    try:
        seconds = numbers.unsigned_integer(text, EXPIRES_LIMIT)
    except ValueError:
        seconds = 0
    if not seconds:
        raise ServiceError(
            "AuthorizationQueryParametersError", f"X-Amz-Expires must be between 1 and {EXPIRES_LIMIT} seconds"
        )
    return seconds


def _verify_version_4(
    request: Request,
    query: Sequence[tuple[str, str]],
    fields: Mapping[str, str],
    date: str,
    payload_hash: str,
    token: str | None,
    credentials: Credentials,
    account: str,
    region: str,
    declared: str,
) -> Signature:
    claimed = _credential_scope(fields["Credential"])
    if claimed is None:
        raise _malformed_credential()
    access_key_id, day, signed_region, service, terminator = claimed
    secret, caller = credentials.resolve(access_key_id, token, account)
    if terminator != "aws4_request" or not date.startswith(day):
        raise _signature_mismatch()
    if signed_region not in (region, "us-east-1"):  # requests to global services are signed for us-east-1
        raise ServiceError(
            "InvalidSignatureException",
            f"Credential should be scoped to a valid region: this local cloud serves {region}, not {signed_region}.",
            403,
        )
    signed = _signed_headers(fields["SignedHeaders"])
    if "host" not in signed:
        raise _must_be_signed("Host")
    canonical = "\n".join(
        [
            request.method,
            request.raw_path if service == "s3" else _normalised(request.raw_path),
            _canonical_query(query) if query else "",
            *[f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed],
            "",
            fields["SignedHeaders"],
            payload_hash,
        ]
    )
    scope = f"{day}/{signed_region}/{service}/aws4_request"
    text = "\n".join([ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = _signing_key(secret, day, signed_region, service)
    keyed = _hmac_with_key(key).copy()
    keyed.update(text.encode())
    expected = keyed.hexdigest()
    if not constant_time_equal(expected, fields["Signature"]):
        raise _signature_mismatch()
    _refuse_unsigned_headers(request.headers, signed, service)
    return Signature(caller, service, declared, key, scope, date, expected)


@lru_cache(64)  # a client signs the same headers in each request of an operation
def _signed_headers(text: str) -> Mapping[str, None]:
    """Return the names of the signed headers in their order."""
    names = text.split(";")
    found = dict.fromkeys(names)
    if len(found) < len(names):  # each repetition would add the header to the canonical request again
        raise _signature_mismatch()
    return found


def _refuse_unsigned_headers(headers: Mapping[str, str], signed: Mapping[str, None], service: str) -> None:
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
    raise _must_be_signed(names)


def _verify_version_2(request: Request, query: Mapping[str, str], credentials: Credentials, account: str) -> Signature:
    """Verify a presigned S3 URL of Signature Version 2, which is still boto3's default for `generate_presigned_url`."""
    from botocore.auth import HmacV1QueryAuth
    from botocore.compat import HTTPHeaders
    from botocore.credentials import Credentials as BotocoreCredentials

    class Presigned(HmacV1QueryAuth):
        """botocore's signer with the expiry time from the URL instead of the current time."""

        def _get_date(self) -> str:
            return query["Expires"]

    token = query.get("x-amz-security-token")
    secret, caller = credentials.resolve(query["AWSAccessKeyId"], token, account)
    try:
        expires = numbers.unsigned_integer(query.get("Expires", ""), LATEST)
    except ValueError as error:
        raise ServiceError("AccessDenied", "Query-string authentication requires the Expires parameter", 403) from error
    _check_expiry(datetime.fromtimestamp(expires, UTC))
    headers = HTTPHeaders.from_dict({**request.headers, **({"x-amz-security-token": token} if token else {})})
    names = {"AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token"}
    rest = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in request.query if name not in names)
    signer = Presigned(BotocoreCredentials(query["AWSAccessKeyId"], secret))
    url = urlsplit(f"http://host{request.resource}?{rest}")
    expected = signer.get_signature(request.method, url, headers)  # type: ignore[arg-type]  # its type requires get_all
    if not constant_time_equal(expected, query["Signature"]):
        raise _signature_mismatch()
    return Signature(caller, "s3", "UNSIGNED-PAYLOAD", b"", "", "", expected)


def _canonical_query(query: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted((_quote(name), _quote(value)) for name, value in query))


def _quote(text: str) -> str:
    return quote(text, safe="-_.~")


@lru_cache(256)
def _normalised(raw_path: str) -> str:
    """Encode a path a second time: every service except S3 requires this in the canonical request."""
    return quote(raw_path, safe="/-_.~") or "/"


@lru_cache(maxsize=256)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=256)
def _hmac_with_key(key: bytes) -> hmac.HMAC:
    """Return an HMAC to copy: processing the key is half the work of an HMAC."""
    return hmac.new(key, digestmod="sha256")


@lru_cache(64)  # many requests are signed in the same second
def _parse_date(date: str) -> datetime:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ServiceError(
            "IncompleteSignatureException", f"Date must be given as YYYYMMDDTHHMMSSZ, not {date!r}.", 403
        ) from error


def _check_skew(date: str) -> None:
    now, signed = datetime.now(UTC), _parse_date(date)
    if abs(now - signed) > SKEW:
        tense, bound = ("expired", now - SKEW) if signed < now else ("not yet current", now + SKEW)
        sign = "<" if signed < now else ">"
        raise ServiceError(
            "InvalidSignatureException",
            f"Signature {tense}: {date} is now {'earlier' if sign == '<' else 'later'} than {bound:%Y%m%dT%H%M%SZ} "
            f"({now:%Y%m%dT%H%M%SZ} {'-' if sign == '<' else '+'} 15 min.)",
            403,
        )


def _check_expiry(moment: datetime) -> None:
    if datetime.now(UTC) > moment:
        raise ServiceError("AccessDenied", "Request has expired", 403, Expires=f"{moment:%Y-%m-%dT%H:%M:%SZ}")


def _missing_authentication() -> ServiceError:
    return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)


def _malformed_credential() -> ServiceError:
    return ServiceError(
        "IncompleteSignatureException", "Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request", 403
    )


def _signature_mismatch() -> ServiceError:
    return ServiceError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
        403,
    )


def _must_be_signed(names: str) -> ServiceError:
    return ServiceError(
        "InvalidSignatureException", f"'{names}' must be a 'SignedHeader' in the AWS Authorization.", 403
    )


_S3_CODES = {
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidAccessKeyId",
    "ExpiredTokenException": "ExpiredToken",
    "MissingAuthenticationTokenException": "AccessDenied",
    "IncompleteSignatureException": "AuthorizationHeaderMalformed",
}
_S3_MESSAGES = {
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided. Check "
    "your key and signing method.",
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "ExpiredToken": "The provided token has expired.",
}
_QUERY_CODES = {
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
}


def protocol_error(error: ServiceError, protocol: str) -> ServiceError:
    """Return an authentication error with the code that a protocol uses for it; for S3, also with S3's message."""
    if protocol == "rest-xml" and error.code == "InvalidSignatureException" and error.message.startswith("Signature "):
        return ServiceError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            403,
        )
    code = {"rest-xml": _S3_CODES, "query": _QUERY_CODES}.get(protocol, {}).get(error.code, error.code)
    message = _S3_MESSAGES.get(code, error.message) if protocol == "rest-xml" else error.message
    return ServiceError(code, message, error.status, **error.members)


def check_origin(headers: Mapping[str, str], port: int) -> None:
    """Reject requests that another site's web page could send: a foreign Host (DNS rebinding) or a foreign Origin.

    Raises `ServiceError` (403). Allowed hosts are loopback names and names below localhost (S3's buckets).
    """
    host = headers.get("host", "")
    if not _is_own_origin(f"//{host}", port):
        raise ServiceError("AccessDenied", f"The Host header {host!r} does not belong to this local cloud.", 403)
    origin = headers.get("origin")
    if origin is not None and not _is_own_origin(origin, port):
        raise ServiceError("AccessDenied", f"Requests from the web origin {origin!r} are rejected.", 403)


@lru_cache(64)
def _is_own_origin(url: str, port: int) -> bool:
    try:
        split = urlsplit(url)
        name, given = split.hostname or "", split.port
    except ValueError:
        return False
    # Clients prefix the host of StartSyncExecution with "sync-"; neither form is a possible public name.
    name = name.removeprefix("sync-")
    return given == port and (name in ("127.0.0.1", "localhost", "::1") or name.endswith(".localhost"))
