"""Operations on managed policies and their versions."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from urllib.parse import quote

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import unique_id
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.aws_managed_policies import is_aws_managed
from scones.cloud.services.iam.errors import already_exists, no_such_entity, validation_error
from scones.cloud.services.iam.identity_policies import IdentityPolicies
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.policy_documents import check_identity_policy
from scones.cloud.services.iam.policy_records import PolicyRecords, unsupported_document
from scones.cloud.services.iam.resource_records import ResourceRecords, tag_list
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.services.iam.tags import new_tags
from scones.cloud.wire.members import Members

_KEPT = ("Tags", "LastVersion", "FirstVersionDeleted")
"""Members of a stored description that lists do not contain."""


class ManagedPolicyOperations:
    """Operations that create, list, change and delete managed policies."""

    def __init__(self, cloud: CloudContext, policies: PolicyRecords, attachments: Attachments) -> None:
        self._account = cloud.settings.account
        self._store = cloud.store
        self._policies = policies
        self._attachments = attachments

    async def create_policy(self, call: OperationCall) -> Members:
        """Create a managed policy."""
        params = call.params
        name, path = params["PolicyName"], params.get("Path", "/")
        tags = new_tags(params.get("Tags", []))
        check_identity_policy(params["PolicyDocument"])
        arn = str(Arn(service="iam", account=self._account, resource=f"policy{path}{name}"))
        now = datetime.now(UTC).timestamp()
        policy: Members = {
            "PolicyName": name,
            "PolicyId": unique_id("ANPA", arn),
            "Arn": arn,
            "Path": path,
            "DefaultVersionId": "v1",
            "IsAttachable": True,
            "Description": params.get("Description"),
            "CreateDate": now,
            "UpdateDate": now,
            "Tags": tag_list(tags),
        }

        def create(connection: sqlite3.Connection) -> None:
            same = "SELECT 1 FROM policies WHERE json_extract(document, '$.PolicyName') = ? COLLATE NOCASE"
            if connection.execute(same, (name,)).fetchone():
                raise already_exists(f"A policy called {name} already exists. Duplicate names are not allowed.")
            connection.execute(
                "INSERT INTO policies VALUES (?, ?, ?)", (arn, json.dumps(policy), params["PolicyDocument"])
            )

        await self._store.write(create)
        created = self._described(policy)
        return {"Policy": {**created, **({"Tags": policy["Tags"]} if tags else {})} | {"Description": None}}

    async def get_policy(self, call: OperationCall) -> Members:
        """Return a managed policy with its tags."""
        policy = self._policies.get(call.params["PolicyArn"])
        return {"Policy": {**self._described(policy), "Tags": policy.get("Tags", [])}}

    async def list_policies(self, call: OperationCall) -> Members:
        """List the account's managed policies below a path."""
        params = call.params
        policies = [] if params.get("Scope") == "AWS" else [self._described(each) for each in self._policies.all()]
        prefix, usage = params.get("PathPrefix", "/"), params.get("PolicyUsageFilter")
        count = "PermissionsBoundaryUsageCount" if usage == "PermissionsBoundary" else "AttachmentCount"
        needed = params.get("OnlyAttached", False) or usage is not None
        listed = [
            {**each, "Description": None}
            for each in policies
            if each["Path"].startswith(prefix) and (each[count] or not needed)
        ]
        return list_page("Policies", listed, params)

    async def delete_policy(self, call: OperationCall) -> Members:
        """Delete a managed policy; raises `DeleteConflict` if it is attached or has several versions."""
        arn = call.params["PolicyArn"]
        if self._described(self._policies.get(arn))["AttachmentCount"]:
            raise ServiceError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if len(self._policies.versions(arn)) > 1:
            raise ServiceError(
                "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you must delete the policy's"
                " versions. The default version is deleted with the policy.",
                409,
            )
        if not await self._store.execute("DELETE FROM policies WHERE arn = ?", arn):
            raise no_such_entity(f"Policy {arn} was not found.")  # AWS's policy; AWS's error for this is not known
        return {}

    async def list_entities_for_policy(self, call: OperationCall) -> Members:
        """List the roles, users and groups that have a managed policy."""
        params = call.params
        self._policies.get(params["PolicyArn"])
        boundary = params.get("PolicyUsageFilter") == "PermissionsBoundary"
        found: Members = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
        for kind in ("Group", "User", "Role"):
            if params.get("EntityFilter", kind) == kind:
                found[f"Policy{kind}s"] = self._attachments.holders(kind, params["PolicyArn"], boundary=boundary)
        return {**found, "IsTruncated": False}

    def _described(self, policy: Members) -> Members:
        arn = policy["Arn"]
        described = {name: value for name, value in policy.items() if name not in _KEPT}
        return {
            **described,
            "AttachmentCount": self._attachments.count(arn),
            "PermissionsBoundaryUsageCount": self._attachments.boundary_count(arn),
        }


class PolicyVersionOperations:
    """Operations on the versions of managed policies."""

    def __init__(self, policies: PolicyRecords) -> None:
        self._policies = policies

    async def create_policy_version(self, call: OperationCall) -> Members:
        """Add a version to a policy, and make it the default one if the request asks for it."""
        params = call.params
        arn, document = params["PolicyArn"], params["PolicyDocument"]
        self._require_own(arn)
        check_identity_policy(document)
        number = await self._policies.add_version(arn, document, datetime.now(UTC).timestamp())
        if params.get("SetAsDefault"):
            await self._set_default(arn, number)
        version = self._policies.versions(arn)[number]
        return {"PolicyVersion": {**version, "Document": None}}

    async def get_policy_version(self, call: OperationCall) -> Members:
        """Return a version with its document, URL-encoded as on AWS."""
        arn, number = self._named(call)
        version = self._policies.versions(arn)[number]
        return {"PolicyVersion": {**version, "Document": quote(version["Document"], safe="")}}

    async def list_policy_versions(self, call: OperationCall) -> Members:
        """List the versions of a policy, the newest first."""
        arn = call.params["PolicyArn"]
        self._require_own(arn)
        versions = [{**version, "Document": None} for version in reversed(self._policies.versions(arn).values())]
        return list_page("Versions", versions, call.params)

    async def set_default_policy_version(self, call: OperationCall) -> Members:
        """Make a version the default one."""
        await self._set_default(*self._named(call))
        return {}

    async def delete_policy_version(self, call: OperationCall) -> Members:
        """Delete a version; raises `DeleteConflict` for the default one."""
        arn, number = self._named(call)
        if self._policies.versions(arn)[number]["IsDefaultVersion"]:
            raise ServiceError("DeleteConflict", "Cannot delete the default version of a policy.", 409)
        await self._policies.delete_version(arn, number)
        return {}

    async def _set_default(self, arn: str, number: int) -> None:
        now = datetime.now(UTC).timestamp()
        await self._policies.set_members(arn, {"DefaultVersionId": f"v{number}", "UpdateDate": now})

    def _require_own(self, arn: str) -> None:
        self._policies.get(arn)
        if is_aws_managed(arn):
            raise unsupported_document(arn)

    def _named(self, call: OperationCall) -> tuple[str, int]:
        """Return the policy and the version that a request names; raises `ServiceError` (NoSuchEntity)."""
        arn, version = call.params["PolicyArn"], call.params["VersionId"]
        self._require_own(arn)
        digits = version.removeprefix("v").partition(".")[0]
        if not digits.isdecimal():
            raise validation_error(
                f"Value '{version}' at 'versionId' failed to satisfy constraint: Member must satisfy regular expression"
                r" pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"
            )
        if int(digits) not in self._policies.versions(arn):
            raise no_such_entity(f"Policy {arn} version {version} does not exist or is not attachable.")
        return arn, int(digits)


class Attachments:
    """The roles, users and groups that have a managed policy, as an attached policy or as a permissions boundary."""

    def __init__(
        self, roles: RoleRecords, users: ResourceRecords, groups: ResourceRecords, policies: dict[str, IdentityPolicies]
    ) -> None:
        self._records: dict[str, RoleRecords | ResourceRecords] = {"Role": roles, "User": users, "Group": groups}
        self._policies = policies

    def count(self, arn: str) -> int:
        """Return the number of roles, users and groups that a policy is attached to."""
        return sum(len(policies.owners(arn)) for policies in self._policies.values())

    def boundary_count(self, arn: str) -> int:
        """Return the number of roles and users whose permissions boundary is a policy."""
        return sum(len(self._bounded(kind, arn)) for kind in ("Role", "User"))

    def holders(self, kind: str, arn: str, *, boundary: bool = False) -> list[Members]:
        """Return the names and IDs of the holders of one kind."""
        names = self._bounded(kind, arn) if boundary else self._policies[kind].owners(arn)
        records = self._records[kind]
        return [{f"{kind}Name": name, f"{kind}Id": records.get(name)[f"{kind}Id"]} for name in names]

    def _bounded(self, kind: str, arn: str) -> list[str]:
        found = self._records[kind].all()
        return [
            each[f"{kind}Name"]
            for each in found
            if (each.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn") == arn
        ]
