"""Stored event source mappings: the queue, the function that its messages invoke, and the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping

from scones.cloud.core.arns import Arn
from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS event_source_mappings (
        uuid TEXT PRIMARY KEY, function_arn TEXT NOT NULL, source_arn TEXT NOT NULL, document TEXT NOT NULL,
        UNIQUE (function_arn, source_arn)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS event_source_mapping_tags (
        uuid TEXT PRIMARY KEY REFERENCES event_source_mappings(uuid) ON DELETE CASCADE, tags TEXT NOT NULL
    ) WITHOUT ROWID
"""

EventSourceMapping = Members
"""A mapping as AWS describes it; State is Enabled or Disabled, and never a transitional state such as Creating."""


class EventSourceMappings:
    """The table of mappings. A mapping stays when its function or queue is deleted, as on AWS."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[EventSourceMapping]:
        """Return all mappings, sorted by UUID."""
        rows = self._store.rows("SELECT document FROM event_source_mappings ORDER BY uuid")
        return [json.loads(row["document"]) for row in rows]

    def enabled(self) -> list[str]:
        """Return the UUIDs of the enabled mappings, and of damaged ones, whose resumption then reports the damage."""
        rows = self._store.rows(
            "SELECT uuid FROM event_source_mappings WHERE NOT json_valid(document)"
            " OR json_extract(document, '$.State') = 'Enabled' ORDER BY uuid"
        )
        return [row["uuid"] for row in rows]

    def get(self, uuid: str) -> EventSourceMapping:
        """Return a mapping; raises `ResourceNotFoundException` if it does not exist."""
        row = self._store.row("SELECT document FROM event_source_mappings WHERE uuid = ?", uuid)
        if row is None:
            message = "The resource you requested does not exist."
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")
        mapping: EventSourceMapping = json.loads(row["document"])
        return mapping

    def check_new(self, function_arn: str, source_arn: str, uuid: str = "") -> None:
        """Raise `ResourceConflictException` if a mapping other than `uuid` already connects the function and queue."""
        row = self._store.row(
            "SELECT uuid FROM event_source_mappings WHERE function_arn = ? AND source_arn = ? AND uuid != ?",
            function_arn,
            source_arn,
            uuid,
        )
        if row is not None:
            name = Arn.parse(function_arn).resource_id
            message = (
                f'An event source mapping with SQS arn (" {source_arn} ") and function (" {name} ") already exists. '
                f"Please update or delete the existing mapping with UUID {row['uuid']}"
            )
            raise ServiceError("ResourceConflictException", message, 409, Type="User")

    async def put(self, mapping: EventSourceMapping) -> None:
        """Create or replace a mapping."""
        await self._store.execute(
            "INSERT INTO event_source_mappings VALUES (?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET"
            " function_arn = excluded.function_arn, document = excluded.document",
            mapping["UUID"],
            mapping["FunctionArn"],
            mapping["EventSourceArn"],
            json.dumps(mapping),
        )

    def tags(self, uuid: str) -> dict[str, str]:
        """Return a mapping's tags; raises `ResourceNotFoundException` if the mapping does not exist."""
        self.get(uuid)
        row = self._store.row("SELECT tags FROM event_source_mapping_tags WHERE uuid = ?", uuid)
        tags: dict[str, str] = json.loads(row["tags"]) if row else {}
        return tags

    async def put_tags(self, uuid: str, tags: Mapping[str, str]) -> None:
        """Replace a mapping's tags."""
        await self._store.execute(
            "INSERT OR REPLACE INTO event_source_mapping_tags VALUES (?, ?)", uuid, json.dumps(tags)
        )

    async def delete(self, uuid: str) -> None:
        """Delete a mapping and its tags."""
        await self._store.execute("DELETE FROM event_source_mappings WHERE uuid = ?", uuid)
