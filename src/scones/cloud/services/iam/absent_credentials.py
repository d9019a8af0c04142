"""Lists of credentials that cannot be created here: MFA devices, SSH keys and certificates."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.iam.callers import user_of
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.wire.members import Members


class AbsentCredentialOperations:
    """Operations that return empty lists; programs call them before they delete a user."""

    def __init__(self, users: ResourceRecords) -> None:
        self._users = users

    async def list_mfa_devices(self, call: OperationCall) -> Members:
        """List the MFA devices of a user."""
        return self._none_of_user("MFADevices", call)

    async def list_ssh_public_keys(self, call: OperationCall) -> Members:
        """List the SSH keys of a user."""
        return self._none_of_user("SSHPublicKeys", call)

    async def list_signing_certificates(self, call: OperationCall) -> Members:
        """List the signing certificates of a user."""
        return self._none_of_user("Certificates", call)

    async def list_virtual_mfa_devices(self, call: OperationCall) -> Members:
        """List the virtual MFA devices of the account."""
        return list_page("VirtualMFADevices", [], call.params)

    async def list_server_certificates(self, call: OperationCall) -> Members:
        """List the server certificates of the account."""
        return list_page("ServerCertificateMetadataList", [], call.params)

    def _none_of_user(self, member: str, call: OperationCall) -> Members:
        """Return an empty list; raises `ServiceError` (NoSuchEntity) for a missing user."""
        name = call.params.get("UserName")
        if name is not None:
            self._users.get(name)
        elif not call.caller.arn.endswith(":root"):
            user_of(call.caller)
        return list_page(member, [], call.params)
