"""Operations on sessions: the caller's identity, and temporary credentials of a role or a user."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scones.cloud.core.arns import Arn, is_arn
from scones.cloud.core.credentials import (
    Caller,
    Credentials,
    SessionCredentials,
    account_in,
    transitive_tags,
)
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sts.session_tags import SessionTags, session_tags
from scones.cloud.wire.members import Members

_USER_SECONDS = 43_200
"""Default life of the keys of GetSessionToken and GetFederationToken: API reference."""


class SessionOperations:
    """Operations that identify callers and keys, and start sessions of roles and users."""

    def __init__(self, account: str, credentials: Credentials) -> None:
        self._account = account
        self._credentials = credentials

    async def get_caller_identity(self, call: OperationCall) -> Members:
        """Return the caller's account, ARN and ID."""
        caller = call.caller
        return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}

    async def assume_role(self, call: OperationCall) -> Members:
        """Return temporary credentials for any well-formed role ARN; the role need not exist."""
        params = call.params
        arn = params["RoleArn"]
        if ":role/" not in arn or not is_arn(arn):
            raise ServiceError("ValidationError", f"{arn} is invalid")
        inherited = transitive_tags(call.headers.get("x-amz-security-token"))
        tags = session_tags(params, inherited)
        session = self._credentials.session(
            arn, params["RoleSessionName"], params.get("DurationSeconds", 3600), tags.transitive
        )
        return {
            "Credentials": _credentials(session),
            "AssumedRoleUser": {"AssumedRoleId": session.caller.user_id, "Arn": session.caller.arn},
            "PackedPolicySize": _packed_size(params, tags),
            "SourceIdentity": params.get("SourceIdentity"),
        }

    async def get_session_token(self, call: OperationCall) -> Members:
        """Return temporary credentials of the caller; raises `AccessDenied` for a caller with temporary ones."""
        _require_long_term_key(call.caller, "GetSessionToken")
        session = self._credentials.temporary(call.caller, call.params.get("DurationSeconds", _USER_SECONDS))
        return {"Credentials": _credentials(session)}

    async def get_federation_token(self, call: OperationCall) -> Members:
        """Return temporary credentials of a federated user; raises `AccessDenied` for a caller with temporary ones."""
        params, caller = call.params, call.caller
        _require_long_term_key(caller, "GetFederationToken")
        name, tags = params["Name"], session_tags(params, {})
        arn = str(Arn(service="sts", account=caller.account, resource=f"federated-user/{name}"))
        user_id = f"{caller.account}:{name}"
        federated = Caller(caller.account, arn, user_id, "")
        session = self._credentials.temporary(federated, params.get("DurationSeconds", _USER_SECONDS))
        return {
            "Credentials": _credentials(session),
            "FederatedUser": {"FederatedUserId": user_id, "Arn": arn},
            "PackedPolicySize": _packed_size(params, tags) or 0,
        }

    async def get_access_key_info(self, call: OperationCall) -> Members:
        """Return the account of an access key, which the key's ID encodes; the key need not exist."""
        key = call.params["AccessKeyId"]
        if key == self._credentials.access_key_id or key in self._credentials.user_keys:
            return {"Account": self._account}
        if not re.fullmatch(r"A[KS]IA[A-Z2-7]{16}", key):
            raise ServiceError("ValidationError", f"Invalid AWS Access Key ID: {key}")  # AWS's words are not known
        return {"Account": account_in(key)}


def _credentials(session: SessionCredentials) -> Members:
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": session.expiration,
    }


def _require_long_term_key(caller: Caller, operation: str) -> None:
    if (":root" not in caller.arn and ":user/" not in caller.arn) or caller.access_key_id.startswith("ASIA"):
        raise ServiceError("AccessDenied", f"Cannot call {operation} with session credentials", 403)


def _packed_size(params: Members, tags: SessionTags) -> int | None:
    """Return the share in percent that policies and tags take of their limit, or None if there are none, as on AWS.

    AWS does not document how it packs them; this is the share of their text in a limit of 2,048 characters.
    """
    texts = [params.get("Policy", ""), *(each["arn"] for each in params.get("PolicyArns", [])), *_pairs(tags.own)]
    size = sum(map(len, texts))
    return None if not size else max(1, min(100, size * 100 // 2048))


def _pairs(tags: Mapping[str, str]) -> list[str]:
    return [key + value for key, value in tags.items()]
