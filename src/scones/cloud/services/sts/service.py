"""STS: the caller's identity, and temporary keys of roles."""

from __future__ import annotations

from typing import Any, ClassVar

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service


class SecurityTokenService(Service):
    """STS: the caller's identity, and temporary credentials for a role."""

    name: ClassVar[str] = "sts"
    validation_code: ClassVar[str] = "ValidationError"

    async def get_caller_identity(self, call: OperationCall) -> dict[str, Any]:
        """Return the caller's account, ARN and ID."""
        caller = call.caller
        return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}

    async def assume_role(self, call: OperationCall) -> dict[str, Any]:
        """Return temporary credentials for any well-formed role ARN; the role need not exist."""
        params = call.params
        arn = params["RoleArn"]
        if ":role/" not in arn or arn.count(":") < 5:
            raise ServiceError("ValidationError", f"{arn} is invalid")
        made = self.cloud.credentials.session(arn, params["RoleSessionName"], params.get("DurationSeconds", 3600))
        return {
            "Credentials": {
                "AccessKeyId": made.access_key_id,
                "SecretAccessKey": made.secret_access_key,
                "SessionToken": made.session_token,
                "Expiration": made.expiration,
            },
            "AssumedRoleUser": {"AssumedRoleId": made.caller.user_id, "Arn": made.caller.arn},
            "PackedPolicySize": 1,
        }
