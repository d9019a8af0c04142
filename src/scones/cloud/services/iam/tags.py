"""Tags of IAM's resources: their rules, and the operations on them."""

from __future__ import annotations

from collections.abc import Sequence

from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import invalid_input, validation_error
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.resource_records import TaggedRecords, tag_list
from scones.cloud.wire.members import Members

MAX_TAGS = 50
"""Maximum number of tags per resource: IAM User Guide, "Tags for IAM resources"."""


def new_tags(tags: Sequence[Members]) -> dict[str, str]:
    """Return a request's tags by key; raises `ServiceError` for too many tags and for keys that occur twice."""
    if len(tags) > MAX_TAGS:
        raise _too_many()
    folded = [tag["Key"].lower() for tag in tags]
    if len(set(folded)) < len(folded):
        raise invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return {tag["Key"]: tag["Value"] for tag in tags}


async def _tag(records: TaggedRecords, name: str, call: OperationCall) -> Members:
    kept, added = records.tags(name), new_tags(call.params["Tags"])
    folded = {key.lower() for key in added}
    changed = {key: value for key, value in kept.items() if key.lower() not in folded} | added
    if len(changed) > MAX_TAGS:
        raise _too_many()
    await records.set_tags(name, changed)
    return {}


async def _untag(records: TaggedRecords, name: str, call: OperationCall) -> Members:
    if len(call.params["TagKeys"]) > MAX_TAGS:
        raise _too_many("tagKeys")
    removed = {key.lower() for key in call.params["TagKeys"]}
    await records.set_tags(
        name, {key: value for key, value in records.tags(name).items() if key.lower() not in removed}
    )
    return {}


def _list(records: TaggedRecords, name: str, call: OperationCall) -> Members:
    ordered = sorted(records.tags(name).items())
    return list_page("Tags", tag_list(dict(ordered)), call.params)


def _too_many(member: str = "tags") -> Exception:
    return validation_error(
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less"
        f" than or equal to {MAX_TAGS}"
    )


class TagOperations:
    """Operations that add, remove and list the tags of each kind of resource."""

    def __init__(
        self,
        *,
        roles: TaggedRecords,
        users: TaggedRecords,
        policies: TaggedRecords,
        instance_profiles: TaggedRecords,
        oidc_providers: TaggedRecords,
        saml_providers: TaggedRecords,
    ) -> None:
        self._roles = roles
        self._users = users
        self._policies = policies
        self._instance_profiles = instance_profiles
        self._oidc_providers = oidc_providers
        self._saml_providers = saml_providers

    async def tag_role(self, call: OperationCall) -> Members:
        """Add or change a role's tags."""
        return await _tag(self._roles, call.params["RoleName"], call)

    async def untag_role(self, call: OperationCall) -> Members:
        """Remove tags of a role."""
        return await _untag(self._roles, call.params["RoleName"], call)

    async def list_role_tags(self, call: OperationCall) -> Members:
        """List a role's tags by key."""
        return _list(self._roles, call.params["RoleName"], call)

    async def tag_user(self, call: OperationCall) -> Members:
        """Add or change a user's tags."""
        return await _tag(self._users, call.params["UserName"], call)

    async def untag_user(self, call: OperationCall) -> Members:
        """Remove tags of a user."""
        return await _untag(self._users, call.params["UserName"], call)

    async def list_user_tags(self, call: OperationCall) -> Members:
        """List a user's tags by key."""
        return _list(self._users, call.params["UserName"], call)

    async def tag_policy(self, call: OperationCall) -> Members:
        """Add or change a managed policy's tags."""
        return await _tag(self._policies, call.params["PolicyArn"], call)

    async def untag_policy(self, call: OperationCall) -> Members:
        """Remove tags of a managed policy."""
        return await _untag(self._policies, call.params["PolicyArn"], call)

    async def list_policy_tags(self, call: OperationCall) -> Members:
        """List a managed policy's tags by key."""
        return _list(self._policies, call.params["PolicyArn"], call)

    async def tag_instance_profile(self, call: OperationCall) -> Members:
        """Add or change an instance profile's tags."""
        return await _tag(self._instance_profiles, call.params["InstanceProfileName"], call)

    async def untag_instance_profile(self, call: OperationCall) -> Members:
        """Remove tags of an instance profile."""
        return await _untag(self._instance_profiles, call.params["InstanceProfileName"], call)

    async def list_instance_profile_tags(self, call: OperationCall) -> Members:
        """List an instance profile's tags by key."""
        return _list(self._instance_profiles, call.params["InstanceProfileName"], call)

    async def tag_open_id_connect_provider(self, call: OperationCall) -> Members:
        """Add or change an OpenID Connect provider's tags."""
        return await _tag(self._oidc_providers, call.params["OpenIDConnectProviderArn"], call)

    async def untag_open_id_connect_provider(self, call: OperationCall) -> Members:
        """Remove tags of an OpenID Connect provider."""
        return await _untag(self._oidc_providers, call.params["OpenIDConnectProviderArn"], call)

    async def list_open_id_connect_provider_tags(self, call: OperationCall) -> Members:
        """List an OpenID Connect provider's tags by key."""
        return _list(self._oidc_providers, call.params["OpenIDConnectProviderArn"], call)

    async def tag_saml_provider(self, call: OperationCall) -> Members:
        """Add or change a SAML provider's tags."""
        return await _tag(self._saml_providers, call.params["SAMLProviderArn"], call)

    async def untag_saml_provider(self, call: OperationCall) -> Members:
        """Remove tags of a SAML provider."""
        return await _untag(self._saml_providers, call.params["SAMLProviderArn"], call)

    async def list_saml_provider_tags(self, call: OperationCall) -> Members:
        """List a SAML provider's tags by key."""
        return _list(self._saml_providers, call.params["SAMLProviderArn"], call)
