"""Signatures of the policies in S3's browser uploads (POST), in Version 4 and Version 2."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from scones.cloud.core.credentials import Caller, Credentials, constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.wire.signatures import version_2
from scones.cloud.wire.signatures.credential_scope import parse_credential
from scones.cloud.wire.signatures.errors import malformed_credential_parameter, signature_mismatch, wrong_region
from scones.cloud.wire.signatures.version_4 import signing_key

_VERSION_4 = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")
_VERSION_2 = ("AWSAccessKeyId", "Signature")


class PolicyVerifier:
    """Verifies the signatures of policies for one account in one region."""

    def __init__(self, credentials: Credentials, *, account: str, region: str) -> None:
        self._credentials = credentials
        self._account = account
        self._region = region

    def verify(self, fields: Mapping[str, str]) -> Caller:
        """Return who signed the policy of a form; `fields` has its fields by name in lower case.

        Raises `ServiceError` if the form is not signed, lacks a field, or has a wrong signature.
        """
        if any(name.lower() in fields for name in _VERSION_4):
            _require(fields, "Policy", *_VERSION_4)
            return self._verify_version_4(fields)
        if any(name.lower() in fields for name in _VERSION_2):
            _require(fields, "Policy", *_VERSION_2)
            return self._verify_version_2(fields)
        raise ServiceError("AccessDenied", "Access Denied", 403)

    def _verify_version_4(self, fields: Mapping[str, str]) -> Caller:
        claimed = parse_credential(fields["x-amz-credential"])
        if claimed is None:
            raise malformed_credential_parameter()
        token = fields.get("x-amz-security-token")
        secret, caller = self._credentials.resolve(claimed.access_key_id, token, self._account)
        if claimed.region not in (self._region, "us-east-1"):
            raise wrong_region(claimed.region, self._region, service="s3", in_query=True)
        expected = hmac.digest(signing_key(secret, claimed).key, fields["policy"].encode(), "sha256").hex()
        if not constant_time_equal(expected, fields["x-amz-signature"]):
            raise signature_mismatch(claimed.access_key_id, fields["x-amz-signature"], fields["policy"])
        return caller

    def _verify_version_2(self, fields: Mapping[str, str]) -> Caller:
        key, provided, policy = fields["awsaccesskeyid"], fields["signature"], fields["policy"]
        secret, caller = self._credentials.resolve(key, fields.get("x-amz-security-token"), self._account)
        if not constant_time_equal(version_2.signature(secret, policy), provided):
            raise signature_mismatch(key, provided, policy)
        return caller


def missing_field(name: str) -> ServiceError:
    """Return the error for a form that lacks a field."""
    return ServiceError(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields.",
        ArgumentName=name,
        ArgumentValue="",
    )


def _require(fields: Mapping[str, str], *names: str) -> None:
    for name in names:
        if name.lower() not in fields:
            raise missing_field(name)
