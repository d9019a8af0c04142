"""IAM: roles and policies, kept and returned; nothing is enforced."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from scones.cloud.core.credentials import EXECUTION_ROLE, unique_id
from scones.cloud.core.pages import page
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service

_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


class IdentityAndAccessManagement(Service):
    """IAM roles with their inline and attached policies."""

    name: ClassVar[str] = "iam"
    validation_code: ClassVar[str] = "ValidationError"
    schema: ClassVar[str] = """
        CREATE TABLE IF NOT EXISTS roles (
            name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}'
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS role_policies (
            role TEXT NOT NULL REFERENCES roles(name) ON DELETE CASCADE, name TEXT NOT NULL, document TEXT,
            PRIMARY KEY (role, name)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS policies (
            arn TEXT PRIMARY KEY, document TEXT NOT NULL, body TEXT NOT NULL
        ) WITHOUT ROWID
    """

    async def start(self) -> None:
        """Create the execution role of workspaces, as Studio's set-up does."""
        if self.cloud.store.row("SELECT 1 FROM roles WHERE name = ?", EXECUTION_ROLE) is None:
            params = {"RoleName": EXECUTION_ROLE, "Path": "/service-role/", "AssumeRolePolicyDocument": _TRUST}
            root = self.cloud.credentials.root(self.cloud.settings.account)
            await self.create_role(
                OperationCall(operation="CreateRole", params=params, caller=root, request_id=uuid4())
            )

    async def create_role(self, call: OperationCall) -> dict[str, Any]:
        """Create a role; its trust policy must be JSON."""
        params = call.params
        name, path = params["RoleName"], params.get("Path", "/")
        _check_document(params["AssumeRolePolicyDocument"])
        arn = f"arn:aws:iam::{self.cloud.settings.account}:role{path}{name}"
        role = {
            "Path": path,
            "RoleName": name,
            "RoleId": unique_id("AROA", arn),
            "Arn": arn,
            "CreateDate": datetime.now(UTC).timestamp(),
            "AssumeRolePolicyDocument": params["AssumeRolePolicyDocument"],
            "Description": params.get("Description"),
            "MaxSessionDuration": params.get("MaxSessionDuration", 3600),
        }
        tags = json.dumps({tag["Key"]: tag["Value"] for tag in params.get("Tags", [])})

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM roles WHERE name = ?", (name,)).fetchone():
                raise ServiceError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
            connection.execute("INSERT INTO roles VALUES (?, ?, ?)", (name, json.dumps(role), tags))

        await self.cloud.store.write(create)
        return {"Role": self._role(name)}

    async def get_role(self, call: OperationCall) -> dict[str, Any]:
        """Return a role with its trust policy."""
        return {"Role": self._role(call.params["RoleName"])}

    async def list_roles(self, call: OperationCall) -> dict[str, Any]:
        """List roles under a path prefix, by name."""
        prefix = call.params.get("PathPrefix", "/")
        roles = [self._role(row["name"]) for row in self.cloud.store.rows("SELECT name FROM roles ORDER BY name")]
        return _listed("Roles", [role for role in roles if role["Path"].startswith(prefix)], call)

    async def simulate_principal_policy(self, call: OperationCall) -> dict[str, Any]:
        """Return "allowed" for every action, because policies are not enforced."""
        params = call.params
        if ":role/" in params["PolicySourceArn"]:
            self._role(params["PolicySourceArn"].rpartition("/")[2])
        resources = params.get("ResourceArns", ["*"])
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "allowed",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in params["ActionNames"]
            for resource in resources
        ]
        return _listed("EvaluationResults", results, call)

    async def update_assume_role_policy(self, call: OperationCall) -> dict[str, Any]:
        """Replace a role's trust policy."""
        name, policy = call.params["RoleName"], call.params["PolicyDocument"]
        _check_document(policy)
        changed = await self.cloud.store.execute(
            "UPDATE roles SET document = json_set(document, '$.AssumeRolePolicyDocument', ?) WHERE name = ?",
            policy,
            name,
        )
        if not changed:
            raise _no_role(name)
        return {}

    async def delete_role(self, call: OperationCall) -> dict[str, Any]:
        """Delete a role; raises `DeleteConflict` if it has policies."""
        name = call.params["RoleName"]
        self._role(name)
        if self.cloud.store.row("SELECT 1 FROM role_policies WHERE role = ?", name):
            raise ServiceError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
        await self.cloud.store.execute("DELETE FROM roles WHERE name = ?", name)
        return {}

    async def tag_role(self, call: OperationCall) -> dict[str, Any]:
        """Add or change a role's tags."""
        name = call.params["RoleName"]
        self._role(name)
        tags = json.dumps({tag["Key"]: tag["Value"] for tag in call.params["Tags"]})
        await self.cloud.store.execute("UPDATE roles SET tags = json_patch(tags, ?) WHERE name = ?", tags, name)
        return {}

    async def list_role_tags(self, call: OperationCall) -> dict[str, Any]:
        """List a role's tags."""
        tags = self._role(call.params["RoleName"]).get("Tags", [])
        return _listed("Tags", tags, call)

    async def put_role_policy(self, call: OperationCall) -> dict[str, Any]:
        """Create or replace an inline policy."""
        name, policy = call.params["RoleName"], call.params["PolicyName"]
        self._role(name)
        _check_document(call.params["PolicyDocument"])
        await self._put(name, policy, call.params["PolicyDocument"])
        return {}

    async def get_role_policy(self, call: OperationCall) -> dict[str, Any]:
        """Return an inline policy, URL-encoded as on AWS."""
        name, policy = call.params["RoleName"], call.params["PolicyName"]
        self._role(name)
        row = self.cloud.store.row(
            "SELECT document FROM role_policies WHERE role = ? AND name = ? AND document IS NOT NULL", name, policy
        )
        if row is None:
            raise ServiceError("NoSuchEntity", f"The role policy with name {policy} cannot be found.", 404)
        return {"RoleName": name, "PolicyName": policy, "PolicyDocument": quote(row["document"], safe="")}

    async def list_role_policies(self, call: OperationCall) -> dict[str, Any]:
        """List the names of a role's inline policies."""
        return _listed("PolicyNames", self._policy_names(call, "IS NOT NULL"), call)

    async def delete_role_policy(self, call: OperationCall) -> dict[str, Any]:
        """Delete an inline policy."""
        name, policy = call.params["RoleName"], call.params["PolicyName"]
        await self._remove(name, policy, f"The role policy with name {policy} cannot be found.")
        return {}

    async def attach_role_policy(self, call: OperationCall) -> dict[str, Any]:
        """Attach a managed policy by ARN; raises `NoSuchEntity` if the policy does not exist.

        Any ARN of the form of an AWS managed policy is accepted (see `_awss_own`).
        """
        name, arn = call.params["RoleName"], call.params["PolicyArn"]
        self._role(name)

        def attach(connection: sqlite3.Connection) -> None:
            if not connection.execute("SELECT 1 FROM policies WHERE arn = ?", (arn,)).fetchone():
                _awss_own(arn)
            connection.execute("INSERT OR REPLACE INTO role_policies VALUES (?, ?, NULL)", (name, arn))

        await self.cloud.store.write(attach)
        return {}

    async def detach_role_policy(self, call: OperationCall) -> dict[str, Any]:
        """Detach a managed policy."""
        arn = call.params["PolicyArn"]
        await self._remove(call.params["RoleName"], arn, f"Policy {arn} was not found.")
        return {}

    async def list_attached_role_policies(self, call: OperationCall) -> dict[str, Any]:
        """List a role's managed policies."""
        arns = self._policy_names(call, "IS NULL")
        attached = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]
        return _listed("AttachedPolicies", attached, call)

    async def create_policy(self, call: OperationCall) -> dict[str, Any]:
        """Create a managed policy."""
        params = call.params
        name, path = params["PolicyName"], params.get("Path", "/")
        _check_document(params["PolicyDocument"])
        arn, now = f"arn:aws:iam::{self.cloud.settings.account}:policy{path}{name}", datetime.now(UTC).timestamp()
        policy = {
            "PolicyName": name,
            "PolicyId": unique_id("ANPA", arn),
            "Arn": arn,
            "Path": path,
            "DefaultVersionId": "v1",
            "IsAttachable": True,
            "Description": params.get("Description"),
            "CreateDate": now,
            "UpdateDate": now,
        }

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM policies WHERE arn = ?", (arn,)).fetchone():
                raise ServiceError(
                    "EntityAlreadyExists",
                    f"A policy called {name} already exists. Duplicate names are not allowed.",
                    409,
                )
            connection.execute(
                "INSERT INTO policies VALUES (?, ?, ?)", (arn, json.dumps(policy), params["PolicyDocument"])
            )

        await self.cloud.store.write(create)
        return {"Policy": self._policy(arn)}

    async def get_policy(self, call: OperationCall) -> dict[str, Any]:
        """Return a managed policy."""
        return {"Policy": self._policy(call.params["PolicyArn"])}

    async def list_policies(self, call: OperationCall) -> dict[str, Any]:
        """List the account's own managed policies."""
        rows = self.cloud.store.rows("SELECT arn FROM policies ORDER BY arn")
        return _listed("Policies", [self._policy(row["arn"]) for row in rows], call)

    async def delete_policy(self, call: OperationCall) -> dict[str, Any]:
        """Delete a managed policy; raises `DeleteConflict` if a role has it."""
        arn = call.params["PolicyArn"]
        if self._policy(arn)["AttachmentCount"]:
            raise ServiceError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if not await self.cloud.store.execute("DELETE FROM policies WHERE arn = ?", arn):
            raise _no_policy(arn)  # an AWS managed policy; AWS's error for this is not known
        return {}

    def _policy(self, arn: str) -> dict[str, Any]:
        row = self.cloud.store.row("SELECT document FROM policies WHERE arn = ?", arn)
        document = json.loads(row["document"]) if row else _awss_own(arn)
        uses = self.cloud.store.row("SELECT count(*) AS uses FROM role_policies WHERE name = ?", arn)
        return {**document, "AttachmentCount": uses["uses"] if uses else 0}

    def _role(self, name: str) -> dict[str, Any]:
        row = self.cloud.store.row("SELECT document, tags FROM roles WHERE name = ?", name)
        if row is None:
            raise _no_role(name)
        role: dict[str, Any] = json.loads(row["document"])
        role["AssumeRolePolicyDocument"] = quote(role["AssumeRolePolicyDocument"], safe="")
        tags = [{"Key": key, "Value": value} for key, value in json.loads(row["tags"]).items()]
        return {**role, **({"Tags": tags} if tags else {})}

    def _policy_names(self, call: OperationCall, kind: str) -> list[str]:
        name = call.params["RoleName"]
        self._role(name)
        query = f"SELECT name FROM role_policies WHERE role = ? AND document {kind} ORDER BY name"  # noqa: S608
        return [row["name"] for row in self.cloud.store.rows(query, name)]

    async def _put(self, role: str, name: str, document: str) -> None:
        await self.cloud.store.execute("INSERT OR REPLACE INTO role_policies VALUES (?, ?, ?)", role, name, document)

    async def _remove(self, role: str, name: str, missing: str) -> None:
        self._role(role)
        if not await self.cloud.store.execute("DELETE FROM role_policies WHERE role = ? AND name = ?", role, name):
            raise ServiceError("NoSuchEntity", missing, 404)


def _listed(name: str, items: list[Any], call: OperationCall) -> dict[str, Any]:
    """Return one page of a list, in IAM's form."""
    marker = call.params.get("Marker")
    refusal = ServiceError("ValidationError", f"Invalid Marker: {marker}")  # AWS's message is not documented
    found, token = page(items, marker, call.params.get("MaxItems", 100), refusal)
    return {name: found, "IsTruncated": token is not None, "Marker": token}


def _no_role(name: str) -> ServiceError:
    return ServiceError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)


def _awss_own(arn: str) -> dict[str, Any]:
    """Return the description of an AWS managed policy; any name is accepted, because AWS's list is not included."""
    own, _, name = arn.partition("arn:aws:iam::aws:policy/")
    if own or not name:
        raise _no_policy(arn)
    path, _, name = f"/{name}".rpartition("/")
    return {
        "PolicyName": name,
        "PolicyId": unique_id("ANPA", arn),
        "Arn": arn,
        "Path": f"{path}/",
        "DefaultVersionId": "v1",
        "IsAttachable": True,
    }


def _no_policy(arn: str) -> ServiceError:
    return ServiceError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)


def _check_document(document: str) -> None:
    try:
        if not isinstance(json.loads(document), dict):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise ServiceError("MalformedPolicyDocument", "This policy contains invalid Json") from error
