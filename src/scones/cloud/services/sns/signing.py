"""Signatures of notifications, and the certificate with which a subscriber verifies them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scones.cloud.context import CloudContext

if TYPE_CHECKING:  # the package is loaded only when a key is needed
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SCHEMA = "CREATE TABLE IF NOT EXISTS sns_signing_key (key TEXT NOT NULL, certificate TEXT NOT NULL)"
DEFAULT_VERSION = "1"
"""The signature version of a topic without the attribute SignatureVersion."""
_FIELDS = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
"""The signed members in their order: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages"."""
_VALIDITY = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class _SigningKey:
    key: RSAPrivateKey
    path: str
    """Path of the certificate's URL."""


class Signer:
    """Signs notifications with the key of this cloud, which it creates for the first one."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._key: _SigningKey | None = None
        self._signature = lru_cache(16)(self._sign)  # one message for many subscriptions is signed once

    async def members(self, document: Mapping[str, Any], version: str) -> dict[str, str]:
        """Return the members SignatureVersion, Signature and SigningCertURL for a notification."""
        if self._key is None:
            self._key = await self._stored_key()
        signed = "".join(f"{name}\n{document[name]}\n" for name in _FIELDS if document.get(name) is not None)
        return {
            "SignatureVersion": version,
            "Signature": self._signature(signed, version),
            "SigningCertURL": self._cloud.url + self._key.path,
        }

    def certificate_at(self, path: str) -> str | None:
        """Return the certificate with this path, in PEM format, or None."""
        row = self._cloud.store.row("SELECT certificate FROM sns_signing_key")
        return row["certificate"] if row and path == certificate_path(row["certificate"]) else None

    def _sign(self, text: str, version: str) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        assert self._key is not None
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - version 1 of AWS's signatures
        return base64.b64encode(self._key.key.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()

    async def _stored_key(self) -> _SigningKey:
        """Return the stored key; create it if there is none."""
        query = "SELECT key, certificate FROM sns_signing_key"
        if self._cloud.store.row(query) is None:
            created = await asyncio.to_thread(_create)
            await self._cloud.store.execute(
                "INSERT INTO sns_signing_key SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sns_signing_key)", *created
            )
        row = self._cloud.store.row(query)
        assert row is not None
        return _SigningKey(_private_key(row["key"]), certificate_path(row["certificate"]))


def certificate_path(certificate: str) -> str:
    """Return the path of a certificate's URL, in AWS's form."""
    return f"/SimpleNotificationService-{hashlib.sha256(certificate.encode()).hexdigest()[:32]}.pem"


def _private_key(text: str) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(text.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def _create() -> tuple[str, str]:
    """Return a new key and its self-signed certificate, in PEM format."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + _VALIDITY)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()
