"""Access keys of a data folder and of its users, temporary keys, and the callers that they identify."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from scones.cloud.core.arns import Arn, root_arn
from scones.cloud.core.durable_files import BrokenFileError, read_object, write_durably
from scones.cloud.errors import ServiceError

EXECUTION_ROLE = "AmazonSageMaker-ExecutionRole-Scones"
"""Role in `service-role/` of every account of the local cloud. Workspaces use it; on AWS, Studio creates one."""


class Caller(NamedTuple):
    """The identity that signed a request, as STS GetCallerIdentity returns it."""

    account: str
    arn: str
    user_id: str
    access_key_id: str


ANONYMOUS = Caller("", "", "Anonymous", "")
"""The caller of unsigned requests, which only some operations of S3 accept."""


@dataclass(frozen=True, slots=True)
class UserKey:
    """A long-term access key of an IAM user."""

    secret_access_key: str
    caller: Caller
    active: bool


@dataclass(frozen=True, slots=True)
class SessionCredentials:
    """Temporary keys for a role or a user."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime
    caller: Caller


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of one data folder. Temporary keys are derived from its secret, so they need not be stored."""

    access_key_id: str
    secret_access_key: str
    user_keys: dict[str, UserKey] = field(default_factory=dict, compare=False)
    """Keys of IAM users by access key ID. IAM, which stores them, fills this when it starts."""

    @classmethod
    def of(cls, data_dir: Path) -> Credentials:
        """Read the folder's keys, creating them at first use; raises `BrokenFileError`."""
        path = data_dir / "credentials.json"
        if not path.exists():
            alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            made = {
                "AccessKeyId": "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16)),
                "SecretAccessKey": secrets.token_urlsafe(30),
            }
            write_durably(path, json.dumps(made))
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Credentials:
        """Read keys from their file; raises `BrokenFileError`, which states what is lost and what to do."""
        try:
            stored = read_object(path, "AccessKeyId", "SecretAccessKey")
        except BrokenFileError as error:
            advice = (
                f"{error.reason}, so this data folder's keys are lost. Restore the file from a backup, or move "
                "it away; the next start creates new keys. Presigned URLs and the keys of open workspaces and "
                "notebooks then become invalid; stored data is not affected."
            )
            raise BrokenFileError(path, advice) from error
        return cls(stored["AccessKeyId"], stored["SecretAccessKey"])

    def root(self, account: str) -> Caller:
        """Return the account's root user, which the folder's own keys identify."""
        return _root(account, self.access_key_id)

    def session(
        self,
        role_arn: str,
        session_name: str,
        seconds: float = 3600.0,
        transitive_tags: Mapping[str, str] | None = None,
    ) -> SessionCredentials:
        """Create temporary keys for a role, as STS AssumeRole does."""
        role = Arn.parse(role_arn)
        role_name = role.resource.rpartition("/")[2]
        assumed_role = Arn(service="sts", account=role.account, resource=f"assumed-role/{role_name}/{session_name}")
        user_id = f"{unique_id('AROA', role_arn)}:{session_name}"
        return self.temporary(Caller(role.account, str(assumed_role), user_id, ""), seconds, transitive_tags)

    def temporary(
        self, caller: Caller, seconds: float, transitive_tags: Mapping[str, str] | None = None
    ) -> SessionCredentials:
        """Create temporary keys that identify a caller; their sessions inherit the transitive tags."""
        access_key_id = new_access_key_id("ASIA", caller.account)
        expiration = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        claims = {
            "key": access_key_id,
            "arn": caller.arn,
            "account": caller.account,
            "user_id": caller.user_id,
            "expires": expiration.timestamp(),
            "transitive_tags": dict(transitive_tags or {}),
        }
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        token = f"{payload}.{self._seal(payload)}"
        return SessionCredentials(
            access_key_id, self._seal(access_key_id), token, expiration, _caller_from_claims(claims, access_key_id)
        )

    def _seal(self, text: str) -> str:
        digest = hmac.new(self.secret_access_key.encode(), text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest)[:40].decode()

    def resolve(self, access_key_id: str, token: str | None, account: str) -> tuple[str, Caller]:
        """Return the secret key and the caller of an access key; raises `ServiceError` if the key is invalid."""
        if constant_time_equal(access_key_id, self.access_key_id):
            return self.secret_access_key, self.root(account)
        if token is None and (key := self.user_keys.get(access_key_id)) is not None and key.active:
            return key.secret_access_key, key.caller
        payload, _, seal = (token or "").partition(".")
        if not token or not constant_time_equal(seal, self._seal(payload)):
            raise ServiceError(
                "UnrecognizedClientException", "The security token included in the request is invalid.", 403
            )
        claims = _claims(payload)
        if claims["key"] != access_key_id:
            raise ServiceError(
                "UnrecognizedClientException", "The security token included in the request is invalid.", 403
            )
        if claims["expires"] < time.time():
            raise ServiceError("ExpiredTokenException", "The security token included in the request is expired", 403)
        return self._seal(access_key_id), _caller_from_claims(claims, access_key_id)


def transitive_tags(token: str | None) -> dict[str, str]:
    """Return the transitive session tags in the session token of an authenticated request."""
    if not token:
        return {}
    found: dict[str, str] = _claims(token.partition(".")[0]).get("transitive_tags", {})
    return found


def new_access_key_id(prefix: str, account: str) -> str:
    """Return a random access key ID, which encodes its account as AWS's IDs do; `prefix` is AKIA or ASIA."""
    encoded = (1 << 47 | int(account) << 7 | secrets.randbits(7)).to_bytes(6) + secrets.token_bytes(4)
    return prefix + base64.b32encode(encoded).decode()


def account_in(access_key_id: str) -> str:
    """Return the account that an access key ID encodes; raises `ValueError` if it has another form."""
    encoded = base64.b32decode(access_key_id[4:])
    account = (int.from_bytes(encoded[:6]) & (1 << 47) - 1) >> 7
    return f"{account:012d}"


def _claims(payload: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(payload))


@lru_cache(8)
def _root(account: str, access_key_id: str) -> Caller:
    return Caller(account, root_arn(account), account, access_key_id)


def _caller_from_claims(claims: Mapping[str, object], access_key_id: str) -> Caller:
    return Caller(
        account=str(claims["account"]),
        arn=str(claims["arn"]),
        user_id=str(claims["user_id"]),
        access_key_id=access_key_id,
    )


def unique_id(kind: str, arn: str) -> str:
    """Return the IAM id of the resource with an ARN; `kind` is AROA for a role, ANPA for a managed policy."""
    return kind + hashlib.sha256(arn.encode()).hexdigest()[:17].upper()


def new_unique_id(kind: str) -> str:
    """Return a random IAM id; `kind` is AIDA for a user, AGPA for a group, AIPA for an instance profile."""
    return kind + base64.b32encode(secrets.token_bytes(11)).decode()[:17]


def constant_time_equal(one: str, other: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
