"""Operations on managed policies."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import unique_id
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import no_policy
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.policy_documents import check_policy_document
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS policies (
        arn TEXT PRIMARY KEY, document TEXT NOT NULL, body TEXT NOT NULL
    ) WITHOUT ROWID
"""


class ManagedPolicyOperations:
    """Operations that create, list and delete managed policies."""

    def __init__(self, cloud: CloudContext) -> None:
        self._account = cloud.settings.account
        self._store = cloud.store

    async def create_policy(self, call: OperationCall) -> Members:
        """Create a managed policy."""
        params = call.params
        name, path = params["PolicyName"], params.get("Path", "/")
        check_policy_document(params["PolicyDocument"])
        arn = str(Arn(service="iam", account=self._account, resource=f"policy{path}{name}"))
        now = datetime.now(UTC).timestamp()
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

        await self._store.write(create)
        return {"Policy": self._policy(arn)}

    async def get_policy(self, call: OperationCall) -> Members:
        """Return a managed policy."""
        return {"Policy": self._policy(call.params["PolicyArn"])}

    async def list_policies(self, call: OperationCall) -> Members:
        """List the account's own managed policies."""
        rows = self._store.rows("SELECT arn FROM policies ORDER BY arn")
        return list_page("Policies", [self._policy(row["arn"]) for row in rows], call.params)

    async def delete_policy(self, call: OperationCall) -> Members:
        """Delete a managed policy; raises `DeleteConflict` if a role has it."""
        arn = call.params["PolicyArn"]
        if self._policy(arn)["AttachmentCount"]:
            raise ServiceError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if not await self._store.execute("DELETE FROM policies WHERE arn = ?", arn):
            raise no_policy(arn)  # an AWS managed policy; AWS's error for this is not known
        return {}

    def _policy(self, arn: str) -> Members:
        row = self._store.row("SELECT document FROM policies WHERE arn = ?", arn)
        document: Members = json.loads(row["document"]) if row else aws_managed_policy(arn)
        uses = self._store.row("SELECT count(*) AS uses FROM role_policies WHERE name = ?", arn)
        return {**document, "AttachmentCount": uses["uses"] if uses else 0}


def aws_managed_policy(arn: str) -> Members:
    """Return the description of an AWS managed policy; raises `NoSuchEntity` for other ARNs.

    Any name is accepted, because AWS's list is not included.
    """
    own, _, name = arn.partition("arn:aws:iam::aws:policy/")
    if own or not name:
        raise no_policy(arn)
    path, _, name = f"/{name}".rpartition("/")
    return {
        "PolicyName": name,
        "PolicyId": unique_id("ANPA", arn),
        "Arn": arn,
        "Path": f"{path}/",
        "DefaultVersionId": "v1",
        "IsAttachable": True,
    }
