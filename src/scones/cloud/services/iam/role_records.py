"""Stored roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from scones.cloud.core.store import Store
from scones.cloud.services.iam.errors import no_such_entity
from scones.cloud.services.iam.resource_records import tag_list
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS roles (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}'
    ) WITHOUT ROWID
"""


class RoleRecords:
    """Reads and changes the table of roles."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def exists(self, name: str) -> bool:
        """Return True if a role exists."""
        return self._store.row("SELECT 1 FROM roles WHERE name = ?", name) is not None

    def get(self, name: str) -> Members:
        """Return a role with its URL-encoded trust policy; raises `ServiceError` (NoSuchEntity)."""
        row = self._store.row("SELECT document FROM roles WHERE name = ?", name)
        if row is None:
            raise _no_role(name)
        return _role(row["document"])

    def with_tags(self, name: str) -> Members:
        """Return a role with its tags, if it has any."""
        role, tags = self.get(name), self.tags(name)
        return {**role, **({"Tags": tag_list(tags)} if tags else {})}

    def all(self) -> list[Members]:
        """Return all roles by name."""
        return [_role(row["document"]) for row in self._store.rows("SELECT document FROM roles ORDER BY name")]

    async def set_members(self, name: str, members: Members) -> None:
        """Change members of a role; those with the value None are removed. Raises `ServiceError` (NoSuchEntity)."""
        sql = "UPDATE roles SET document = json_patch(document, ?) WHERE name = ?"
        if not await self._store.execute(sql, json.dumps(members), name):
            raise _no_role(name)

    def tags(self, name: str) -> dict[str, str]:
        """Return a role's tags by key; raises `ServiceError` (NoSuchEntity)."""
        row = self._store.row("SELECT tags FROM roles WHERE name = ?", name)
        if row is None:
            raise _no_role(name)
        return dict(json.loads(row["tags"]))

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Replace a role's tags."""
        await self._store.execute("UPDATE roles SET tags = ? WHERE name = ?", json.dumps(tags), name)


def _role(document: str) -> Members:
    role: Members = json.loads(document)
    role["AssumeRolePolicyDocument"] = quote(role["AssumeRolePolicyDocument"], safe="")
    return role


def _no_role(name: str) -> Exception:
    return no_such_entity(f"The role with name {name} cannot be found.")
