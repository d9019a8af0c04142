"""Stored managed policies and their versions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.iam.aws_managed_policies import aws_managed_policy, is_aws_managed
from scones.cloud.services.iam.errors import limit_exceeded, no_such_entity
from scones.cloud.services.iam.resource_records import tag_list
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS policies (
        arn TEXT PRIMARY KEY, document TEXT NOT NULL, body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS policy_versions (
        arn TEXT NOT NULL REFERENCES policies(arn) ON DELETE CASCADE, number INTEGER NOT NULL,
        created REAL NOT NULL, body TEXT NOT NULL, PRIMARY KEY (arn, number)
    ) WITHOUT ROWID
"""
"""The body of version 1 is in `policies`; `document` names the default version and has the tags."""
ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
"""The only policy of AWS whose document is included."""
_ADMINISTRATOR_DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
MAX_VERSIONS = 5
"""Maximum number of versions per policy: IAM User Guide, "IAM and AWS STS quotas"."""


class PolicyRecords:
    """Reads and changes the tables of managed policies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, arn: str) -> Members | None:
        """Return the description of a managed policy, also one of AWS, or None if it does not exist."""
        row = self._store.row("SELECT document FROM policies WHERE arn = ?", arn)
        return aws_managed_policy(arn) if row is None else dict(json.loads(row["document"]))

    def get(self, arn: str) -> Members:
        """Return the description of a managed policy; raises `ServiceError` (NoSuchEntity)."""
        found = self.find(arn)
        if found is None:
            raise no_such_entity(f"Policy {arn} was not found.")
        return found

    def all(self) -> list[Members]:
        """Return the account's policies by ARN."""
        rows = self._store.rows("SELECT document FROM policies ORDER BY arn")
        return [dict(json.loads(row["document"])) for row in rows]

    def versions(self, arn: str) -> dict[int, Members]:
        """Return the versions of a policy by number, with their documents as the member `Document`."""
        policy = self.get(arn)
        row = self._store.row("SELECT body FROM policies WHERE arn = ?", arn)
        if row is None:
            return {}  # the documents of AWS's policies are not included
        found = {} if policy.get("FirstVersionDeleted") else {1: (row["body"], policy["CreateDate"])}
        rows = self._store.rows("SELECT * FROM policy_versions WHERE arn = ? ORDER BY number", arn)
        found |= {row["number"]: (row["body"], row["created"]) for row in rows}
        return {
            number: {
                "VersionId": f"v{number}",
                "IsDefaultVersion": policy["DefaultVersionId"] == f"v{number}",
                "CreateDate": created,
                "Document": body,
            }
            for number, (body, created) in found.items()
        }

    def default_document(self, arn: str) -> str:
        """Return the document of a policy's default version; raises `ServiceError` for most policies of AWS."""
        if arn == ADMINISTRATOR_ACCESS:
            return _ADMINISTRATOR_DOCUMENT
        if is_aws_managed(arn):
            raise unsupported_document(arn)
        return next(str(each["Document"]) for each in self.versions(arn).values() if each["IsDefaultVersion"])

    async def add_version(self, arn: str, body: str, created: float) -> int:
        """Store a version and return its number; raises `LimitExceeded`. The numbers of deleted ones are not reused."""
        known = self.versions(arn)
        if len(known) >= MAX_VERSIONS:
            raise limit_exceeded(
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an"
                " existing version."
            )

        def add(connection: sqlite3.Connection) -> int:
            last = "SELECT coalesce(json_extract(document, '$.LastVersion'), 1) AS last FROM policies WHERE arn = ?"
            row = connection.execute(last, (arn,)).fetchone()
            number = int(row["last"]) + 1
            connection.execute(
                "UPDATE policies SET document = json_set(document, '$.LastVersion', ?) WHERE arn = ?", (number, arn)
            )
            connection.execute("INSERT INTO policy_versions VALUES (?, ?, ?, ?)", (arn, number, created, body))
            return number

        return await self._store.write(add)

    async def delete_version(self, arn: str, number: int) -> None:
        """Delete a version of a policy."""
        if number == 1:
            await self.set_members(arn, {"FirstVersionDeleted": True})
        else:
            await self._store.execute("DELETE FROM policy_versions WHERE arn = ? AND number = ?", arn, number)

    async def set_members(self, arn: str, members: Members) -> None:
        """Change members of a policy's description."""
        changed = json.dumps(members)
        await self._store.execute("UPDATE policies SET document = json_patch(document, ?) WHERE arn = ?", changed, arn)

    def tags(self, name: str) -> dict[str, str]:
        """Return a policy's tags by key; raises `ServiceError` (NoSuchEntity)."""
        return {tag["Key"]: tag["Value"] for tag in self.get(name).get("Tags", [])}

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Replace a policy's tags."""
        await self.set_members(name, {"Tags": tag_list(tags)})


def unsupported_document(arn: str) -> ServiceError:
    """Return the error for the document of a policy that AWS manages."""
    return ServiceError(
        "NotImplemented", f"The local cloud does not include the documents of AWS managed policies: {arn}.", 501
    )
