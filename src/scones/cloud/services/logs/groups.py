"""Operations on log groups."""

from __future__ import annotations

import json
import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.core.bulk_deletes import ROWS_PER_WRITE, delete_all
from scones.cloud.core.clock import now_ms
from scones.cloud.core.pages import query_page
from scones.cloud.core.text_order import successor
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import exists, no_group
from scones.cloud.services.logs.group_names import require_group
from scones.cloud.services.logs.page_tokens import list_position
from scones.cloud.wire.members import Members


class LogGroupOperations:
    """Operations that create, list and delete groups, and set their retention period."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._store = cloud.store

    async def create_log_group(self, call: OperationCall) -> Members:
        """Create an empty group."""
        name, tags = call.params["logGroupName"], json.dumps(call.params.get("tags", {}))

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM log_groups WHERE name = ?", (name,)).fetchone():
                raise exists("log group")
            connection.execute("INSERT INTO log_groups (name, created, tags) VALUES (?, ?, ?)", (name, now_ms(), tags))

        await self._store.write(create)
        return {}

    async def delete_log_group(self, call: OperationCall) -> Members:
        """Delete a group with its streams and events."""
        store, name = self._store, call.params["logGroupName"]
        require_group(store, name)
        await delete_all(store, "log_events", "group_name = ?", name)
        streams = "SELECT name FROM log_streams WHERE group_name = ?1 LIMIT ?2"
        sql = f"DELETE FROM log_streams WHERE group_name = ?1 AND name IN ({streams})"  # noqa: S608
        while await store.execute(sql, name, ROWS_PER_WRITE) == ROWS_PER_WRITE:
            pass
        if not await store.execute("DELETE FROM log_groups WHERE name = ?", name):
            raise no_group()
        return {}

    async def describe_log_groups(self, call: OperationCall) -> Members:
        """List groups by name."""
        params = call.params
        prefix, limit = params.get("logGroupNamePrefix", ""), params.get("limit", 50)
        rows = await self._store.read_on_thread(
            "SELECT *, (SELECT coalesce(sum(bytes), 0) FROM log_streams WHERE group_name = log_groups.name) AS bytes"
            " FROM log_groups WHERE name >= ?1 AND name > ?2 AND name < ?3"
            " AND (?4 = '' OR instr(lower(name), lower(?4))) ORDER BY name LIMIT ?5",
            prefix,
            list_position(params),
            successor(prefix),
            params.get("logGroupNamePattern", ""),
            limit + 1,
        )
        page, token = query_page(rows, limit, lambda row: [row["name"]])
        return {"logGroups": [self._description(row) for row in page], "nextToken": token}

    async def put_retention_policy(self, call: OperationCall) -> Members:
        """Store a group's retention period; it has no effect, because the local cloud keeps all events."""
        name, days = call.params["logGroupName"], call.params["retentionInDays"]
        if not await self._store.execute("UPDATE log_groups SET retention = ? WHERE name = ?", days, name):
            raise no_group()
        return {}

    def _description(self, row: sqlite3.Row) -> Members:
        arn = self._cloud.arn("logs", f"log-group:{row['name']}")
        return {
            "logGroupName": row["name"],
            "creationTime": row["created"],
            "retentionInDays": row["retention"],
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "storedBytes": row["bytes"],
            "logGroupClass": "STANDARD",
        }
