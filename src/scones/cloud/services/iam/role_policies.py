"""Operations on the policies of roles: inline policies, and attached managed policies."""

from __future__ import annotations

import sqlite3
from urllib.parse import quote

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import no_role_policy
from scones.cloud.services.iam.managed_policies import aws_managed_policy
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.policy_documents import check_policy_document
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS role_policies (
        role TEXT NOT NULL REFERENCES roles(name) ON DELETE CASCADE, name TEXT NOT NULL, document TEXT,
        PRIMARY KEY (role, name)
    ) WITHOUT ROWID
"""
"""A row without a document is an attached policy; its name is the policy's ARN."""


class RolePolicyOperations:
    """Operations on the policies of roles."""

    def __init__(self, store: Store, roles: RoleRecords) -> None:
        self._store = store
        self._roles = roles

    async def put_role_policy(self, call: OperationCall) -> Members:
        """Create or replace an inline policy."""
        name, policy, document = (call.params[each] for each in ("RoleName", "PolicyName", "PolicyDocument"))
        self._roles.require(name)
        check_policy_document(document)
        await self._store.execute("INSERT OR REPLACE INTO role_policies VALUES (?, ?, ?)", name, policy, document)
        return {}

    async def get_role_policy(self, call: OperationCall) -> Members:
        """Return an inline policy, URL-encoded as on AWS."""
        name, policy = call.params["RoleName"], call.params["PolicyName"]
        self._roles.require(name)
        row = self._store.row(
            "SELECT document FROM role_policies WHERE role = ? AND name = ? AND document IS NOT NULL", name, policy
        )
        if row is None:
            raise no_role_policy(policy)
        return {"RoleName": name, "PolicyName": policy, "PolicyDocument": quote(row["document"], safe="")}

    async def list_role_policies(self, call: OperationCall) -> Members:
        """List the names of a role's inline policies."""
        return list_page("PolicyNames", self._names(call, "IS NOT NULL"), call.params)

    async def delete_role_policy(self, call: OperationCall) -> Members:
        """Delete an inline policy."""
        policy = call.params["PolicyName"]
        await self._delete(call.params["RoleName"], policy, no_role_policy(policy))
        return {}

    async def attach_role_policy(self, call: OperationCall) -> Members:
        """Attach a managed policy by ARN; raises `NoSuchEntity` if the policy does not exist.

        Any ARN of the form of an AWS managed policy is accepted (see `aws_managed_policy`).
        """
        name, arn = call.params["RoleName"], call.params["PolicyArn"]
        self._roles.require(name)

        def attach(connection: sqlite3.Connection) -> None:
            if not connection.execute("SELECT 1 FROM policies WHERE arn = ?", (arn,)).fetchone():
                aws_managed_policy(arn)
            connection.execute("INSERT OR REPLACE INTO role_policies VALUES (?, ?, NULL)", (name, arn))

        await self._store.write(attach)
        return {}

    async def detach_role_policy(self, call: OperationCall) -> Members:
        """Detach a managed policy."""
        arn = call.params["PolicyArn"]
        missing = ServiceError("NoSuchEntity", f"Policy {arn} was not found.", 404)
        await self._delete(call.params["RoleName"], arn, missing)
        return {}

    async def list_attached_role_policies(self, call: OperationCall) -> Members:
        """List a role's managed policies."""
        arns = self._names(call, "IS NULL")
        attached = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]
        return list_page("AttachedPolicies", attached, call.params)

    def _names(self, call: OperationCall, condition: str) -> list[str]:
        """Return the names of a role's policies with a condition on the column `document`."""
        name = call.params["RoleName"]
        self._roles.require(name)
        sql = f"SELECT name FROM role_policies WHERE role = ? AND document {condition} ORDER BY name"  # noqa: S608
        return [row["name"] for row in self._store.rows(sql, name)]

    async def _delete(self, role: str, name: str, missing: ServiceError) -> None:
        self._roles.require(role)
        if not await self._store.execute("DELETE FROM role_policies WHERE role = ? AND name = ?", role, name):
            raise missing
