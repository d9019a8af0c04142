"""Policies of roles, users and groups: inline policies, and attached managed policies."""

from __future__ import annotations

import sqlite3
from urllib.parse import quote

from scones.cloud.core.arns import is_arn
from scones.cloud.core.store import Store
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import no_policy, no_such_entity, validation_error
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.policy_documents import check_identity_policy
from scones.cloud.services.iam.policy_records import PolicyRecords
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS role_policies (
        role TEXT NOT NULL REFERENCES roles(name) ON DELETE CASCADE, name TEXT NOT NULL, document TEXT,
        PRIMARY KEY (role, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS user_policies (
        user TEXT NOT NULL, name TEXT NOT NULL, document TEXT, PRIMARY KEY (user, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS group_policies (
        group_name TEXT NOT NULL, name TEXT NOT NULL, document TEXT, PRIMARY KEY (group_name, name)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS role_policies_by_name ON role_policies (name);
    CREATE INDEX IF NOT EXISTS user_policies_by_name ON user_policies (name);
    CREATE INDEX IF NOT EXISTS group_policies_by_name ON group_policies (name)
"""
"""A row without a document is an attached policy; its name is the policy's ARN."""


class IdentityPolicies:
    """The policies of the roles, the users or the groups; `kind` is Role, User or Group."""

    def __init__(self, store: Store, policies: PolicyRecords, kind: str) -> None:
        self._store = store
        self._policies = policies
        self._kind = kind
        self._table = f"{kind.lower()}_policies"
        self._owner = "group_name" if kind == "Group" else kind.lower()

    async def put(self, owner: str, call: OperationCall) -> Members:
        """Create or replace an inline policy."""
        policy, document = call.params["PolicyName"], call.params["PolicyDocument"]
        check_identity_policy(document)
        await self._store.execute(
            f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?)",  # noqa: S608 - the names are constants
            owner,
            policy,
            document,
        )
        return {}

    def get(self, owner: str, call: OperationCall) -> Members:
        """Return an inline policy, URL-encoded as on AWS."""
        policy = call.params["PolicyName"]
        row = self._store.row(
            f"SELECT document FROM {self._table} WHERE {self._owner} = ? AND name = ? AND document IS NOT NULL",  # noqa: S608
            owner,
            policy,
        )
        if row is None:
            raise self._no_inline(policy)
        return {f"{self._kind}Name": owner, "PolicyName": policy, "PolicyDocument": quote(row["document"], safe="")}

    def inline(self, owner: str) -> dict[str, str]:
        """Return the documents of an owner's inline policies by name."""
        rows = self._rows(owner, "IS NOT NULL")
        return {row["name"]: row["document"] for row in rows}

    def attached(self, owner: str) -> list[Members]:
        """Return the names and ARNs of an owner's managed policies."""
        arns = [row["name"] for row in self._rows(owner, "IS NULL")]
        return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]

    def list_inline(self, owner: str, call: OperationCall) -> Members:
        """Return a page of the names of an owner's inline policies."""
        return list_page("PolicyNames", list(self.inline(owner)), call.params)

    def list_attached(self, owner: str, call: OperationCall) -> Members:
        """Return a page of an owner's managed policies below a path."""
        prefix = call.params.get("PathPrefix", "/")
        attached = [each for each in self.attached(owner) if policy_path(each["PolicyArn"]).startswith(prefix)]
        return list_page("AttachedPolicies", attached, call.params)

    async def delete(self, owner: str, call: OperationCall) -> Members:
        """Delete an inline policy; raises `ServiceError` (NoSuchEntity)."""
        policy = call.params["PolicyName"]
        if not await self._delete(owner, policy, "IS NOT NULL"):
            raise self._no_inline(policy)
        return {}

    async def attach(self, owner: str, call: OperationCall) -> Members:
        """Attach a managed policy by ARN; raises `NoSuchEntity` if the policy does not exist."""
        arn = call.params["PolicyArn"]
        _check_policy_arn(arn)
        if self._policies.find(arn) is None:
            raise no_policy(arn)

        def attach(connection: sqlite3.Connection) -> None:
            connection.execute(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, NULL)", (owner, arn))  # noqa: S608

        await self._store.write(attach)
        return {}

    async def detach(self, owner: str, call: OperationCall) -> Members:
        """Detach a managed policy; raises `ServiceError` (NoSuchEntity)."""
        arn = call.params["PolicyArn"]
        _check_policy_arn(arn)
        if not await self._delete(owner, arn, "IS NULL"):
            raise no_such_entity(f"Policy {arn} was not found.")
        return {}

    async def delete_all(self, owner: str) -> None:
        """Delete all policies of an owner."""
        await self._store.execute(f"DELETE FROM {self._table} WHERE {self._owner} = ?", owner)  # noqa: S608

    async def rename(self, owner: str, new_name: str) -> None:
        """Pass the policies of an owner on to its new name."""
        sql = f"UPDATE {self._table} SET {self._owner} = ? WHERE {self._owner} = ?"  # noqa: S608
        await self._store.execute(sql, new_name, owner)

    def owners(self, arn: str) -> list[str]:
        """Return the names of those that a managed policy is attached to."""
        sql = f"SELECT {self._owner} AS owner FROM {self._table} WHERE name = ? AND document IS NULL ORDER BY 1"  # noqa: S608
        return [row["owner"] for row in self._store.rows(sql, arn)]

    def _rows(self, owner: str, condition: str) -> list[sqlite3.Row]:
        sql = (
            f"SELECT name, document FROM {self._table}"  # noqa: S608
            f" WHERE {self._owner} = ? AND document {condition} ORDER BY name"
        )
        return self._store.rows(sql, owner)

    async def _delete(self, owner: str, name: str, condition: str) -> int:
        sql = f"DELETE FROM {self._table} WHERE {self._owner} = ? AND name = ? AND document {condition}"  # noqa: S608
        return await self._store.execute(sql, owner, name)

    def _no_inline(self, policy: str) -> Exception:
        return no_such_entity(f"The {self._kind.lower()} policy with name {policy} cannot be found.")


def policy_path(arn: str) -> str:
    """Return the path of a managed policy: `/service-role/` in `arn:…:policy/service-role/NAME`."""
    path = arn.partition(":policy/")[2].rpartition("/")[0]
    return f"/{path}/" if path else "/"


def _check_policy_arn(arn: str) -> None:
    """Raise `ServiceError` for a text that is not an ARN, with AWS's two spaces."""
    if not is_arn(arn):
        raise validation_error("Invalid ARN:  Could not be parsed!")
