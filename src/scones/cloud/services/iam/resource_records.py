"""Stored resources of IAM that have a name: users, groups, instance profiles, identity providers and others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Protocol

from scones.cloud.core.store import Store
from scones.cloud.services.iam.errors import already_exists, no_such_entity
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS iam_resources (
        kind TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID
"""


class TaggedRecords(Protocol):
    """Records of resources that have tags."""

    def tags(self, name: str) -> dict[str, str]:
        """Return a resource's tags; raises `ServiceError` (NoSuchEntity)."""

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Replace a resource's tags."""


class ResourceRecords:
    """The resources of one kind, by name or ARN. The messages of errors contain the name in place of `{}`."""

    def __init__(self, store: Store, kind: str, missing: str, existing: str = "") -> None:
        self._store = store
        self._kind = kind
        self._missing = missing
        self._existing = existing

    def missing(self, name: str) -> Exception:
        """Return the error for a resource that does not exist."""
        return no_such_entity(self._missing.format(name))

    def find(self, name: str) -> Members | None:
        """Return a resource's document, or None if it does not exist."""
        row = self._store.row("SELECT document FROM iam_resources WHERE kind = ? AND name = ?", self._kind, name)
        return None if row is None else dict(json.loads(row["document"]))

    def get(self, name: str) -> Members:
        """Return a resource's document; raises `ServiceError` (NoSuchEntity)."""
        found = self.find(name)
        if found is None:
            raise self.missing(name)
        return found

    def with_tags(self, name: str) -> Members:
        """Return a resource's document with its tags as the member `Tags`, which is left out if there are none."""
        document, tags = self.get(name), self.tags(name)
        return {**document, **({"Tags": tag_list(tags)} if tags else {})}

    def all(self, path_prefix: str = "/") -> list[Members]:
        """Return the documents of all resources below a path, by name."""
        rows = self._store.rows("SELECT document FROM iam_resources WHERE kind = ? ORDER BY name", self._kind)
        documents = [dict(json.loads(row["document"])) for row in rows]
        return [each for each in documents if each.get("Path", "/").startswith(path_prefix)]

    async def create(self, name: str, document: Members, tags: Mapping[str, str] | None = None) -> None:
        """Store a new resource; names that differ only in their case are the same. Raises `EntityAlreadyExists`."""

        def create(connection: sqlite3.Connection) -> None:
            same = "SELECT 1 FROM iam_resources WHERE kind = ? AND name = ? COLLATE NOCASE"
            if connection.execute(same, (self._kind, name)).fetchone():
                raise already_exists(self._existing.format(name))
            connection.execute(
                "INSERT INTO iam_resources VALUES (?, ?, ?, ?)",
                (self._kind, name, json.dumps(document), json.dumps(tags or {})),
            )

        await self._store.write(create)

    async def replace(self, name: str, document: Members, new_name: str | None = None) -> None:
        """Replace a resource's document, and rename it if `new_name` differs from its name."""

        def replace(connection: sqlite3.Connection) -> None:
            same = "SELECT name FROM iam_resources WHERE kind = ? AND name = ? COLLATE NOCASE"
            taken = connection.execute(same, (self._kind, new_name or name)).fetchone()
            if taken and taken["name"] != name:
                raise already_exists(self._existing.format(new_name))
            connection.execute(
                "UPDATE iam_resources SET document = ?, name = ? WHERE kind = ? AND name = ?",
                (json.dumps(document), new_name or name, self._kind, name),
            )

        await self._store.write(replace)

    async def delete(self, name: str) -> None:
        """Delete a resource; raises `ServiceError` (NoSuchEntity)."""
        if not await self._store.execute("DELETE FROM iam_resources WHERE kind = ? AND name = ?", self._kind, name):
            raise self.missing(name)

    def tags(self, name: str) -> dict[str, str]:
        """Return a resource's tags; raises `ServiceError` (NoSuchEntity)."""
        row = self._store.row("SELECT tags FROM iam_resources WHERE kind = ? AND name = ?", self._kind, name)
        if row is None:
            raise self.missing(name)
        return dict(json.loads(row["tags"]))

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Replace a resource's tags."""
        await self._store.execute(
            "UPDATE iam_resources SET tags = ? WHERE kind = ? AND name = ?", json.dumps(tags), self._kind, name
        )


def tag_list(tags: Mapping[str, str]) -> list[Members]:
    """Return tags as IAM's lists contain them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
