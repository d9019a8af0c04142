"""The policies of users, groups and roles, as the policy simulator needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scones.cloud.services.iam.errors import invalid_input
from scones.cloud.services.iam.group_members import GroupMembers
from scones.cloud.services.iam.identity_policies import IdentityPolicies
from scones.cloud.services.iam.policy_records import PolicyRecords
from scones.cloud.services.iam.policy_statements import PolicySource
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.wire.members import Members


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity policies of a principal, and its permissions boundary, if it has one."""

    policies: list[PolicySource]
    boundary: list[PolicySource]


class Principals:
    """Finds users, groups and roles by ARN."""

    def __init__(
        self,
        records: Mapping[str, ResourceRecords | RoleRecords],
        members: GroupMembers,
        policies: PolicyRecords,
        policies_of: Mapping[str, IdentityPolicies],
    ) -> None:
        self._records = records
        self._members = members
        self._policies = policies
        self._policies_of = policies_of

    def at(self, arn: str) -> Principal:
        """Return a principal; raises `ServiceError`: InvalidInput for another ARN, NoSuchEntity for a missing one.

        Policies that AWS manages, except for AdministratorAccess, are refused by name: their documents are unknown.
        """
        kind, _, path = arn.rpartition(":")[2].partition("/")
        name = path.rpartition("/")[2]
        if kind not in ("user", "group", "role") or not name:
            raise invalid_input(f"Invalid Entity Arn: {arn}")  # AWS's words are not known
        found = self._records[kind.title()].get(name)
        policies = self._sources(kind.title(), name)
        if kind == "user":
            for group in self._members.groups_of(name):
                policies += self._sources("Group", group)
        return Principal(policies, self._boundary(found))

    def _sources(self, kind: str, name: str) -> list[PolicySource]:
        owned = self._policies_of[kind]
        inline = [
            PolicySource(f"{kind.lower()}_{name}_{policy}", document) for policy, document in owned.inline(name).items()
        ]
        return [*inline, *(self._managed(each["PolicyArn"]) for each in owned.attached(name))]

    def _boundary(self, principal: Members) -> list[PolicySource]:
        boundary = principal.get("PermissionsBoundary")
        return [self._managed(boundary["PermissionsBoundaryArn"])] if boundary else []

    def _managed(self, arn: str) -> PolicySource:
        return PolicySource(arn.rpartition("/")[2], self._policies.default_document(arn))
