"""Stored roles."""

from __future__ import annotations

import json
from urllib.parse import quote

from scones.cloud.core.store import Store
from scones.cloud.services.iam.errors import no_role
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS roles (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}'
    ) WITHOUT ROWID
"""


class RoleRecords:
    """Reads the table of roles."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def exists(self, name: str) -> bool:
        """Return True if a role exists."""
        return self._store.row("SELECT 1 FROM roles WHERE name = ?", name) is not None

    def require(self, name: str) -> None:
        """Raise `ServiceError` (NoSuchEntity) if a role does not exist."""
        if not self.exists(name):
            raise no_role(name)

    def role(self, name: str) -> Members:
        """Return a role with its tags and its URL-encoded trust policy; raises `NoSuchEntity`."""
        row = self._store.row("SELECT document, tags FROM roles WHERE name = ?", name)
        if row is None:
            raise no_role(name)
        role: Members = json.loads(row["document"])
        role["AssumeRolePolicyDocument"] = quote(role["AssumeRolePolicyDocument"], safe="")
        tags = [{"Key": key, "Value": value} for key, value in json.loads(row["tags"]).items()]
        return {**role, **({"Tags": tags} if tags else {})}

    def roles(self) -> list[Members]:
        """Return all roles by name."""
        return [self.role(row["name"]) for row in self._store.rows("SELECT name FROM roles ORDER BY name")]
