"""The Credential of a signature: an access key ID, and the day, region and service for which the signature is valid."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from scones.cloud.wire.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
CREDENTIAL_LIMIT = 512
"""Maximum number of characters of a Credential; AWS's access key IDs have at most 128."""


class CredentialScope(NamedTuple):
    """The parts of a Credential."""

    access_key_id: str
    day: str
    region: str
    service: str
    """Signing name of the service."""
    terminator: str


def claimed_scope(request: Request) -> CredentialScope | None:
    """Return the scope that a request claims in its header or its query, before the signature is verified."""
    credential = authorization_fields(request).get("Credential") or dict(request.query_pairs).get(
        "X-Amz-Credential", ""
    )
    return parse_credential(credential)


def authorization_fields(request: Request) -> Mapping[str, str]:
    """Return the fields of a request's Authorization header."""
    return _authorization(request.headers.get("authorization", ""))


@lru_cache(64)  # needed several times per request
def _authorization(header: str) -> Mapping[str, str]:
    scheme, _, rest = header.partition(" ")
    if scheme != ALGORITHM:
        return {}
    pairs = (field.strip().partition("=") for field in rest.split(","))
    return {name: value for name, _, value in pairs}


def parse_credential(credential: str) -> CredentialScope | None:
    """Return the parts of a Credential, or None if it lacks some or is too long."""
    return _split(credential) if len(credential) <= CREDENTIAL_LIMIT else None


@lru_cache(256)  # a client's Credential changes once a day
def _split(credential: str) -> CredentialScope | None:
    parts = credential.rsplit("/", 4)
    return CredentialScope(*parts) if len(parts) == 5 else None
