"""Service-specific credentials: user names and passwords for CodeCommit and Keyspaces, which are stored only."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from scones.cloud.core.credentials import new_unique_id
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.callers import user_of
from scones.cloud.services.iam.errors import no_such_entity
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.wire.members import Members

_SERVICES = ("codecommit.amazonaws.com", "cassandra.amazonaws.com")


class ServiceCredentialOperations:
    """Operations on service-specific credentials."""

    def __init__(self, account: str, credentials: ResourceRecords, users: ResourceRecords) -> None:
        self._account = account
        self._credentials = credentials
        self._users = users

    async def create_service_specific_credential(self, call: OperationCall) -> Members:
        """Create a user name and a password for a service."""
        user, service = self._user(call), call.params["ServiceName"]
        self._users.get(user)
        _check_service(service)
        credential: Members = {
            "CreateDate": datetime.now(UTC).timestamp(),
            "ServiceName": service,
            "ServiceUserName": f"{user}-at-{self._account}",
            "ServiceSpecificCredentialId": new_unique_id("ACCA"),
            "UserName": user,
            "Status": "Active",
        }
        await self._credentials.create(credential["ServiceSpecificCredentialId"], credential)
        return {"ServiceSpecificCredential": {**credential, "ServicePassword": _password()}}

    async def list_service_specific_credentials(self, call: OperationCall) -> Members:
        """List a user's credentials for one service or for all, without passwords."""
        user, service = self._user(call), call.params.get("ServiceName")
        self._users.get(user)
        if service is not None:
            _check_service(service)
        listed = [
            each
            for each in self._credentials.all()
            if each["UserName"] == user and service in (None, each["ServiceName"])
        ]
        return {"ServiceSpecificCredentials": listed}

    async def update_service_specific_credential(self, call: OperationCall) -> Members:
        """Activate or deactivate a credential."""
        credential = self._named(call)
        changed = {**credential, "Status": call.params["Status"]}
        await self._credentials.replace(credential["ServiceSpecificCredentialId"], changed)
        return {}

    async def reset_service_specific_credential(self, call: OperationCall) -> Members:
        """Return a new password. Passwords are not stored, because no service checks them here."""
        return {"ServiceSpecificCredential": {**self._named(call), "ServicePassword": _password()}}

    async def delete_service_specific_credential(self, call: OperationCall) -> Members:
        """Delete a credential."""
        await self._credentials.delete(self._named(call)["ServiceSpecificCredentialId"])
        return {}

    def _user(self, call: OperationCall) -> str:
        """Return the user that a request names; the default is the caller."""
        name: str = call.params.get("UserName") or user_of(call.caller)
        return name

    def _named(self, call: OperationCall) -> Members:
        """Return the credential that a request names; raises `ServiceError` (NoSuchEntity)."""
        user, credential_id = self._user(call), call.params["ServiceSpecificCredentialId"]
        self._users.get(user)
        credential = self._credentials.get(credential_id)
        if credential["UserName"] != user:
            raise self._credentials.missing(credential_id)
        return credential


def without_values(message: str) -> str:
    """Return the message of a validation error without the rejected values and the sets of valid ones."""
    hidden = re.sub(r"Value '[^']*' at", "Value at", message)
    return re.sub(r"(Member must satisfy enum value set): \[[^\]]*\]", r"\1", hidden)


def _check_service(service: str) -> None:
    if service not in _SERVICES:
        raise no_such_entity(f"No such service {service} is supported for Service Specific Credentials")


def _password() -> str:
    return secrets.token_urlsafe(33)
