"""Operations on sessions: the caller's identity, and temporary credentials of a role."""

from __future__ import annotations

from scones.cloud.core.arns import is_arn
from scones.cloud.core.credentials import Credentials
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.wire.members import Members


class SessionOperations:
    """Operations that identify the caller and start sessions of roles."""

    def __init__(self, credentials: Credentials) -> None:
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
        session = self._credentials.session(arn, params["RoleSessionName"], params.get("DurationSeconds", 3600))
        return {
            "Credentials": {
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret_access_key,
                "SessionToken": session.session_token,
                "Expiration": session.expiration,
            },
            "AssumedRoleUser": {"AssumedRoleId": session.caller.user_id, "Arn": session.caller.arn},
            "PackedPolicySize": 1,
        }
