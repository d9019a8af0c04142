"""Settings of the account: its alias, its password policy, and a summary of its resources."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import no_such_entity
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.policy_records import MAX_VERSIONS, PolicyRecords
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.wire.members import Members

_ALIAS = "alias"
_PASSWORD_POLICY = "password-policy"  # noqa: S105 - the name of a record
_DEFAULTS: Members = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}
_QUOTAS: Members = {
    "AccessKeysPerUserQuota": 2,
    "AssumeRolePolicySizeQuota": 2048,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "GroupPolicySizeQuota": 5120,
    "GroupsPerUserQuota": 10,
    "GroupsQuota": 300,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": 6144,
    "PolicyVersionsInUseQuota": 10000,
    "RolePolicySizeQuota": 10240,
    "RolesQuota": 1000,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": 2048,
    "UsersQuota": 5000,
    "VersionsPerPolicyQuota": MAX_VERSIONS,
}
"""AWS's quotas in GetAccountSummary: API reference, "GetAccountSummary"."""


class AccountOperations:
    """Operations on the account's alias and password policy, which are stored only, and on its summary."""

    def __init__(
        self,
        account: str,
        settings: ResourceRecords,
        policies: PolicyRecords,
        roles: RoleRecords,
        named: dict[str, ResourceRecords],
    ) -> None:
        self._account = account
        self._settings = settings
        self._policies = policies
        self._roles = roles
        self._named = named

    async def create_account_alias(self, call: OperationCall) -> Members:
        """Replace the account's alias."""
        await self._put(_ALIAS, {"Alias": call.params["AccountAlias"]})
        return {}

    async def list_account_aliases(self, call: OperationCall) -> Members:
        """List the account's alias."""
        alias = self._settings.find(_ALIAS)
        return list_page("AccountAliases", [alias["Alias"]] if alias else [], call.params)

    async def delete_account_alias(self, call: OperationCall) -> Members:
        """Delete the account's alias."""
        alias, found = call.params["AccountAlias"], self._settings.find(_ALIAS)
        if found is None or found["Alias"] != alias:
            raise no_such_entity(f"The account alias with name {alias} cannot be found.")
        await self._settings.delete(_ALIAS)
        return {}

    async def update_account_password_policy(self, call: OperationCall) -> Members:
        """Replace the account's password policy; members that the request lacks get their default value."""
        policy = {**_DEFAULTS, **call.params}
        policy["ExpirePasswords"] = bool(policy.get("MaxPasswordAge"))
        await self._put(_PASSWORD_POLICY, policy)
        return {}

    async def get_account_password_policy(self, call: OperationCall) -> Members:  # noqa: ARG002
        """Return the account's password policy."""
        policy = self._settings.find(_PASSWORD_POLICY)
        if policy is None:
            raise no_such_entity(f"The Password Policy with domain name {self._account} cannot be found.")
        return {"PasswordPolicy": policy}

    async def delete_account_password_policy(self, call: OperationCall) -> Members:  # noqa: ARG002
        """Delete the account's password policy."""
        if self._settings.find(_PASSWORD_POLICY) is None:
            raise no_such_entity("The account policy with name PasswordPolicy cannot be found.")
        await self._settings.delete(_PASSWORD_POLICY)
        return {}

    async def get_account_summary(self, call: OperationCall) -> Members:  # noqa: ARG002
        """Return the numbers of the account's resources, and AWS's quotas."""
        policies = self._policies.all()
        counts = {name: len(records.all()) for name, records in self._named.items()}
        return {
            "SummaryMap": {
                **_QUOTAS,
                **counts,
                "Roles": len(self._roles.all()),
                "Policies": len(policies),
                "PolicyVersionsInUse": sum(len(self._policies.versions(each["Arn"])) for each in policies),
                "AccountMFAEnabled": 0,
                "AccountAccessKeysPresent": 1,
                "AccountPasswordPresent": 0,
                "AccountSigningCertificatesPresent": 0,
                "MFADevices": 0,
                "MFADevicesInUse": 0,
                "ServerCertificates": 0,
                "GlobalEndpointTokenVersion": 1,
            }
        }

    async def _put(self, name: str, document: Members) -> None:
        if self._settings.find(name) is None:
            await self._settings.create(name, document)
        else:
            await self._settings.replace(name, document)
