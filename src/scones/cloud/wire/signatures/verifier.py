"""Verification of a request's signature, wherever the client put it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from scones.cloud.core.credentials import Caller, Credentials
from scones.cloud.wire.request import Request
from scones.cloud.wire.signatures import presigned, version_2, version_4
from scones.cloud.wire.signatures.credential_scope import authorization_fields, parse_credential
from scones.cloud.wire.signatures.errors import (
    malformed_credential,
    malformed_credential_parameter,
    missing_authentication,
    missing_parameters,
    signature_mismatch,
    wrong_region,
)
from scones.cloud.wire.signatures.validity import check_presigned, check_skew
from scones.cloud.wire.signatures.version_4 import SignedParts

_FIELDS = {"Credential", "SignedHeaders", "Signature"}
_EMPTY_SHA256 = hashlib.sha256().hexdigest()


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


def is_unsigned(request: Request) -> bool:
    """Return True if a request has a signature neither in its headers nor in its query."""
    signed = "authorization" in request.headers or presigned.is_version_4(request) or presigned.is_version_2(request)
    return not signed and presigned.VERSION_4_PARAMETERS.isdisjoint(request.query)


class SignatureVerifier:
    """Verifies the signatures of requests to one account in one region.

    Raises `ServiceError` with the error codes of the JSON protocols; `protocol_error` translates them for other
    protocols.
    """

    def __init__(self, credentials: Credentials, *, account: str, region: str) -> None:
        self._credentials = credentials
        self._account = account
        self._regions = (region, "us-east-1")  # requests to global services are signed for us-east-1

    def require_key(self, request: Request) -> None:
        """Reject an unsigned request, or one with an unknown access key, before its body is read."""
        fields, query = authorization_fields(request), dict(request.query_pairs)
        if "Signature" in fields:
            credential, token = fields.get("Credential", ""), request.headers.get("x-amz-security-token")
        elif presigned.is_version_4(request):
            credential, token = _credential_parameter(query), query.get("X-Amz-Security-Token")
        elif presigned.is_version_2(request):
            self._credentials.resolve(query["AWSAccessKeyId"], query.get("x-amz-security-token"), self._account)
            return
        elif old := version_2.signature_in_header(request):
            token = request.headers.get("x-amz-security-token")
            self._credentials.resolve(old.access_key_id, token, self._account)
            return
        else:
            raise missing_authentication()
        claimed = parse_credential(credential)
        if claimed is None:
            raise malformed_credential()
        self._credentials.resolve(claimed.access_key_id, token, self._account)

    def verify(self, request: Request, body_hash: str | None) -> Signature:
        """Verify the date and the signature of a request; the signature is in its Authorization header or its query.

        `body_hash` is the SHA-256 of the body in hex, or None for a streamed body. For a streamed body, the hash in
        x-amz-content-sha256 is the signed value, and the reader of the body compares the body with it.
        """
        query = dict(request.query_pairs)
        if presigned.is_version_4(request):
            return self._verify_presigned(request, query, body_hash)
        if presigned.is_version_2(request):
            return self._verify_url_of_version_2(request, query)
        if old := version_2.signature_in_header(request):
            return self._verify_header_of_version_2(request, old)
        return self._verify_header(request, body_hash)

    def _verify_header(self, request: Request, body_hash: str | None) -> Signature:
        fields = authorization_fields(request)
        if not fields.keys() >= _FIELDS:
            raise missing_authentication()
        date = request.headers.get("x-amz-date", "")
        check_skew(date)
        declared = request.headers.get("x-amz-content-sha256", "")
        payload_hash = declared or body_hash or _EMPTY_SHA256
        if body_hash and not fields["Credential"].endswith("/s3/aws4_request"):
            payload_hash = body_hash  # only S3 accepts unsigned bodies
        signed = SignedParts(
            access_key_id=fields["Credential"].partition("/")[0],
            signed_headers=fields["SignedHeaders"],
            signature=fields["Signature"],
            date=date,
            payload_hash=payload_hash,
            query_pairs=request.query_pairs,
        )
        token = request.headers.get("x-amz-security-token")
        signature = self._verify_version_4(request, signed, fields["Credential"], token, declared)
        if declared and body_hash and not declared.startswith(("UNSIGNED", "STREAMING")) and declared != body_hash:
            raise signature_mismatch(signed.access_key_id, signed.signature, declared)
        return signature

    def _verify_presigned(self, request: Request, query: Mapping[str, str], body_hash: str | None) -> Signature:
        credential, date = _credential_parameter(query), query["X-Amz-Date"]
        check_presigned(date, query["X-Amz-Expires"])
        s3 = credential.endswith("/s3/aws4_request")
        signed = SignedParts(
            access_key_id=credential.partition("/")[0],
            signed_headers=query["X-Amz-SignedHeaders"],
            signature=query["X-Amz-Signature"],
            date=date,
            payload_hash="UNSIGNED-PAYLOAD" if s3 or body_hash is None else body_hash,
            query_pairs=[(name, value) for name, value in request.query_pairs if name != "X-Amz-Signature"],
        )
        token = query.get("X-Amz-Security-Token")
        return self._verify_version_4(request, signed, credential, token, signed.payload_hash)

    def _verify_version_4(
        self, request: Request, signed: SignedParts, credential: str, token: str | None, declared: str
    ) -> Signature:
        claimed = parse_credential(credential)
        if claimed is None:
            raise malformed_credential()
        secret, caller = self._credentials.resolve(claimed.access_key_id, token, self._account)
        if claimed.terminator != "aws4_request" or not signed.date.startswith(claimed.day):
            raise signature_mismatch(claimed.access_key_id, signed.signature, credential)
        if claimed.region not in self._regions:
            in_query = presigned.is_version_4(request)
            raise wrong_region(claimed.region, self._regions[0], service=claimed.service, in_query=in_query)
        signing = version_4.signing_key(secret, claimed)
        version_4.check_signature(request, signed, signing, claimed.service)
        return Signature(caller, claimed.service, declared, signing.key, signing.scope, signed.date, signed.signature)

    def _verify_url_of_version_2(self, request: Request, query: Mapping[str, str]) -> Signature:
        if "Signature" not in query or "Expires" not in query:
            raise version_2.missing_parameters()
        token = query.get("x-amz-security-token")
        secret, caller = self._credentials.resolve(query["AWSAccessKeyId"], token, self._account)
        version_2.check_url(request, query, secret)
        return Signature(caller, "s3", "UNSIGNED-PAYLOAD", b"", "", "", query["Signature"])

    def _verify_header_of_version_2(self, request: Request, claimed: version_2.HeaderSignature) -> Signature:
        token = request.headers.get("x-amz-security-token")
        secret, caller = self._credentials.resolve(claimed.access_key_id, token, self._account)
        version_2.check_header(request, claimed, secret)
        return Signature(caller, "s3", "UNSIGNED-PAYLOAD", b"", "", "", claimed.signature)


def _credential_parameter(query: Mapping[str, str]) -> str:
    """Return the Credential of a presigned URL; raises S3's error if it is malformed, or if a parameter is missing."""
    if not query.keys() >= presigned.VERSION_4_PARAMETERS:
        raise missing_parameters()
    if parse_credential(query["X-Amz-Credential"]) is None:
        raise malformed_credential_parameter()
    return query["X-Amz-Credential"]
