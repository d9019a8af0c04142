"""The IAM service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import ClassVar

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.core.credentials import EXECUTION_ROLE
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.iam import (
    access_keys,
    group_members,
    identity_policies,
    policy_records,
    resource_records,
    role_records,
)
from scones.cloud.services.iam.absent_credentials import AbsentCredentialOperations
from scones.cloud.services.iam.access_keys import AccessKeyOperations, AccessKeys
from scones.cloud.services.iam.account import AccountOperations
from scones.cloud.services.iam.errors import validation_error
from scones.cloud.services.iam.group_members import GroupMembers
from scones.cloud.services.iam.groups import GroupOperations
from scones.cloud.services.iam.identity_policies import IdentityPolicies
from scones.cloud.services.iam.identity_policy_operations import (
    GroupPolicyOperations,
    RolePolicyOperations,
    UserPolicyOperations,
)
from scones.cloud.services.iam.identity_providers import OpenIdConnectProviderOperations, SamlProviderOperations
from scones.cloud.services.iam.instance_profiles import InstanceProfileOperations, InstanceProfiles
from scones.cloud.services.iam.login_profiles import LoginProfileOperations
from scones.cloud.services.iam.managed_policies import Attachments, ManagedPolicyOperations, PolicyVersionOperations
from scones.cloud.services.iam.permissions_boundaries import PermissionsBoundaryOperations
from scones.cloud.services.iam.policy_records import ADMINISTRATOR_ACCESS, PolicyRecords
from scones.cloud.services.iam.principals import Principals
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.services.iam.roles import RoleOperations
from scones.cloud.services.iam.service_credentials import ServiceCredentialOperations, without_values
from scones.cloud.services.iam.service_linked_roles import ServiceLinkedRoleOperations
from scones.cloud.services.iam.simulation import REFUSED, SimulationOperations
from scones.cloud.services.iam.tags import TagOperations
from scones.cloud.services.iam.users import UserOperations, UserPossessions
from scones.cloud.wire.members import Members

_TRUST_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
_TABLES = (role_records, identity_policies, policy_records, resource_records, group_members, access_keys)


class IdentityAndAccessManagement(Service):
    """The IAM API. Users, groups, roles and policies are stored and returned; only access keys have an effect."""

    name: ClassVar[str] = "iam"
    groups = (
        RoleOperations,
        RolePolicyOperations,
        UserOperations,
        UserPolicyOperations,
        GroupOperations,
        GroupPolicyOperations,
        ManagedPolicyOperations,
        PolicyVersionOperations,
        PermissionsBoundaryOperations,
        TagOperations,
        AccessKeyOperations,
        LoginProfileOperations,
        InstanceProfileOperations,
        ServiceLinkedRoleOperations,
        ServiceCredentialOperations,
        OpenIdConnectProviderOperations,
        SamlProviderOperations,
        AbsentCredentialOperations,
        AccountOperations,
        SimulationOperations,
    )
    schema: ClassVar[str] = ";".join(module.SCHEMA for module in _TABLES)
    validation_code: ClassVar[str] = "ValidationError"

    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "CreateRole": {"MaxSigninSessionDuration": ""},
            "UpdateRole": {"MaxSigninSessionDuration": "", "ResetMaxSigninSessionDuration": ""},
            "CreateLoginProfile": {"MaxSigninSessionDuration": ""},
            "UpdateLoginProfile": {"MaxSigninSessionDuration": "", "ResetMaxSigninSessionDuration": ""},
            "CreateOpenIDConnectProvider": {"ContextProvider": "", "IdentityCenterInstanceArn": ""},
            "CreateSAMLProvider": {
                "AssertionEncryptionMode": "",
                "AddPrivateKey": "",
                "ContextProvider": "",
                "IdentityCenterInstanceArn": "",
            },
            "UpdateSAMLProvider": {
                "AssertionEncryptionMode": "",
                "AddPrivateKey": "",
                "RemovePrivateKey": "",
                "ContextProvider": "",
                "IdentityCenterInstanceArn": "",
                "RemoveContextProvider": "",
                "RemoveIdentityCenterInstance": "",
            },
            "ListServiceSpecificCredentials": {"AllUsers": ""},
            "CreateServiceSpecificCredential": {"CredentialAgeDays": ""},
            "SimulateCustomPolicy": REFUSED | {"OrderedOrganizationPolicyInputList": ""},
            "SimulatePrincipalPolicy": REFUSED | {"PolicyExclusionList": ""},
        }
    )

    def __init__(self, cloud: CloudContext) -> None:
        store, account = cloud.store, cloud.settings.account
        records = _Records(cloud)
        self._records = records.roles
        self._role_policies = records.policies_of["Role"]
        self._keys = records.keys
        self._roles = RoleOperations(
            cloud, records.roles, records.policies_of["Role"], records.policies, records.instance_profiles
        )
        attachments = Attachments(records.roles, records.users, records.groups, records.policies_of)
        possessions = UserPossessions(
            records.policies_of["User"],
            records.keys,
            records.members,
            records.login_profiles,
            records.service_credentials,
        )
        counted = {
            "Users": records.users,
            "Groups": records.groups,
            "InstanceProfiles": records.instance_profiles.records,
            "Providers": records.oidc_providers,
        }
        super().__init__(
            cloud,
            self._roles,
            RolePolicyOperations(records.roles, records.policies_of["Role"]),
            UserOperations(cloud, records.users, possessions, records.policies),
            UserPolicyOperations(records.users, records.policies_of["User"]),
            GroupOperations(cloud, records.groups, records.users, records.members, records.policies_of["Group"]),
            GroupPolicyOperations(records.groups, records.policies_of["Group"]),
            ManagedPolicyOperations(cloud, records.policies, attachments),
            PolicyVersionOperations(records.policies),
            PermissionsBoundaryOperations(records.policies, records.roles, records.users),
            TagOperations(
                roles=records.roles,
                users=records.users,
                policies=records.policies,
                instance_profiles=records.instance_profiles.records,
                oidc_providers=records.oidc_providers,
                saml_providers=records.saml_providers,
            ),
            AccessKeyOperations(records.keys, records.users),
            LoginProfileOperations(records.login_profiles, records.users),
            InstanceProfileOperations(account, records.instance_profiles, records.roles),
            ServiceLinkedRoleOperations(cloud, records.roles),
            ServiceCredentialOperations(account, records.service_credentials, records.users),
            OpenIdConnectProviderOperations(account, records.oidc_providers),
            SamlProviderOperations(account, records.saml_providers),
            AbsentCredentialOperations(records.users),
            AccountOperations(
                account, ResourceRecords(store, "account", "{}"), records.policies, records.roles, counted
            ),
            SimulationOperations(records.principals()),
        )

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise `ServiceError` for parameters that violate the model; some messages do not repeat values, as on AWS."""
        try:
            super().validate(params, shape)
        except ServiceError as error:
            if "ServiceSpecificCredential" not in shape.name:
                raise
            raise validation_error(without_values(error.message)) from error

    async def start(self) -> None:
        """Make the users' keys known, and create the execution role of workspaces, as Studio's set-up does.

        The role may do everything, because policies are not enforced.
        """
        self._keys.load()
        if self._records.exists(EXECUTION_ROLE):
            return
        params = {"RoleName": EXECUTION_ROLE, "Path": "/service-role/", "AssumeRolePolicyDocument": _TRUST_POLICY}
        root = self.cloud.credentials.root(self.cloud.settings.account)
        call = partial(OperationCall, caller=root, request_id=uuid4())
        await self._roles.create_role(call(operation="CreateRole", params=params))
        attached = {"RoleName": EXECUTION_ROLE, "PolicyArn": ADMINISTRATOR_ACCESS}
        await self._role_policies.attach(EXECUTION_ROLE, call(operation="AttachRolePolicy", params=attached))


class _Records:
    """The tables of IAM, with the messages for missing and for existing resources of each kind."""

    def __init__(self, cloud: CloudContext) -> None:
        store = cloud.store
        self.roles = RoleRecords(store)
        self.policies = PolicyRecords(store)
        self.policies_of = {kind: IdentityPolicies(store, self.policies, kind) for kind in ("Role", "User", "Group")}
        self.members = GroupMembers(store)
        self.users = ResourceRecords(
            store, "user", "The user with name {} cannot be found.", "User with name {} already exists."
        )
        self.groups = ResourceRecords(
            store, "group", "The group with name {} cannot be found.", "Group with name {} already exists."
        )
        self.keys = AccessKeys(cloud, self.users)
        self.login_profiles = ResourceRecords(
            store,
            "login-profile",
            "Login Profile for User {} cannot be found.",
            "Login Profile for user {} already exists.",
        )
        profiles = ResourceRecords(
            store,
            "instance-profile",
            "Instance Profile {} cannot be found.",
            "Instance Profile {} already exists.",
        )
        self.instance_profiles = InstanceProfiles(profiles, self.roles)
        self.service_credentials = ResourceRecords(store, "service-credential", "No such credential {} exists")
        self.oidc_providers = ResourceRecords(store, "oidc-provider", "OpenIDConnect Provider not found for arn {}")
        self.saml_providers = ResourceRecords(store, "saml-provider", "SAMLProvider not found for arn {}")

    def principals(self) -> Principals:
        """Return the principals that have policies."""
        kinds: dict[str, RoleRecords | ResourceRecords] = {"Role": self.roles, "User": self.users, "Group": self.groups}
        return Principals(kinds, self.members, self.policies, self.policies_of)
