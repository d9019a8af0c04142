"""Verification of a request's signature, wherever the client put it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from scones.cloud.core.credentials import Caller, Credentials
from scones.cloud.errors import ServiceError
from scones.cloud.wire.request import Request
from scones.cloud.wire.signatures import version_2, version_4
from scones.cloud.wire.signatures.credential_scope import authorization_fields, parse_credential
from scones.cloud.wire.signatures.errors import malformed_credential, missing_authentication, signature_mismatch
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
        elif "X-Amz-Signature" in query:
            credential, token = query.get("X-Amz-Credential", ""), query.get("X-Amz-Security-Token")
        elif "AWSAccessKeyId" in query:
            self._credentials.resolve(query["AWSAccessKeyId"], query.get("x-amz-security-token"), self._account)
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
        if "X-Amz-Signature" in query:
            return self._verify_presigned(request, query, body_hash)
        if "AWSAccessKeyId" in query and "Signature" in query:
            return self._verify_version_2(request, query)
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
        signed = SignedParts(fields["SignedHeaders"], fields["Signature"], date, payload_hash, request.query_pairs)
        token = request.headers.get("x-amz-security-token")
        signature = self._verify_version_4(request, signed, fields["Credential"], token, declared)
        if declared and body_hash and not declared.startswith(("UNSIGNED", "STREAMING")) and declared != body_hash:
            raise signature_mismatch()
        return signature

    def _verify_presigned(self, request: Request, query: Mapping[str, str], body_hash: str | None) -> Signature:
        date = query.get("X-Amz-Date", "")
        check_presigned(date, query.get("X-Amz-Expires", ""))
        credential = query.get("X-Amz-Credential", "")
        s3 = credential.endswith("/s3/aws4_request")
        signed = SignedParts(
            signed_headers=query.get("X-Amz-SignedHeaders", ""),
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
            raise signature_mismatch()
        if claimed.region not in self._regions:
            raise ServiceError(
                "InvalidSignatureException",
                f"Credential should be scoped to a valid region: this local cloud serves {self._regions[0]}, "
                f"not {claimed.region}.",
                403,
            )
        signing = version_4.signing_key(secret, claimed)
        version_4.check_signature(request, signed, signing, claimed.service)
        return Signature(caller, claimed.service, declared, signing.key, signing.scope, signed.date, signed.signature)

    def _verify_version_2(self, request: Request, query: Mapping[str, str]) -> Signature:
        token = query.get("x-amz-security-token")
        secret, caller = self._credentials.resolve(query["AWSAccessKeyId"], token, self._account)
        version_2.check_signature(request, query, secret)
        return Signature(caller, "s3", "UNSIGNED-PAYLOAD", b"", "", "", query["Signature"])
