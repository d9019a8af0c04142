"""Operations on log groups."""

from __future__ import annotations

import json
import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.core.bulk_deletes import ROWS_PER_WRITE, delete_all
from scones.cloud.core.clock import now_ms
from scones.cloud.core.pages import query_page
from scones.cloud.core.text_order import successor
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import exists, invalid, no_group
from scones.cloud.services.logs.group_names import group_name, require_group
from scones.cloud.services.logs.log_filters import LogFilters
from scones.cloud.services.logs.page_tokens import list_position
from scones.cloud.services.logs.retention import Retention
from scones.cloud.wire.members import Members

_SETTINGS = ("kmsKeyId", "logGroupClass", "deletionProtectionEnabled")
"""Parameters of CreateLogGroup that are stored; only the protection has an effect."""


class LogGroupOperations:
    """Operations that create, list and delete groups, and set their retention period."""

    def __init__(self, cloud: CloudContext, filters: LogFilters, retention: Retention) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._filters = filters
        self._retention = retention

    async def create_log_group(self, call: OperationCall) -> Members:
        """Create an empty group."""
        params = call.params
        name, tags = params["logGroupName"], json.dumps(params.get("tags", {}))
        settings = {member: params[member] for member in _SETTINGS if member in params}

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM log_groups WHERE name = ?", (name,)).fetchone():
                raise exists("log group")
            connection.execute("INSERT INTO log_groups (name, created, tags) VALUES (?, ?, ?)", (name, now_ms(), tags))
            if settings:
                connection.execute("INSERT INTO log_group_settings VALUES (?, ?)", (name, json.dumps(settings)))

        await self._store.write(create)
        return {}

    async def delete_log_group(self, call: OperationCall) -> Members:
        """Delete a group with its streams and events."""
        store, name = self._store, call.params["logGroupName"]
        require_group(store, name)
        if self._settings(name).get("deletionProtectionEnabled"):
            raise ServiceError(  # AWS's words are not known
                "ValidationException", "The specified log group has deletion protection enabled."
            )
        await delete_all(store, "log_events", "group_name = ?", name)
        streams = "SELECT name FROM log_streams WHERE group_name = ?1 LIMIT ?2"
        sql = f"DELETE FROM log_streams WHERE group_name = ?1 AND name IN ({streams})"  # noqa: S608
        while await store.execute(sql, name, ROWS_PER_WRITE) == ROWS_PER_WRITE:
            pass
        if not await store.execute("DELETE FROM log_groups WHERE name = ?", name):
            raise no_group()
        self._filters.load()
        return {}

    async def describe_log_groups(self, call: OperationCall) -> Members:
        """List groups by name. As on AWS, groups found by a pattern have fewer members."""
        params = call.params
        if "logGroupNamePrefix" in params and "logGroupNamePattern" in params:
            raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        by_pattern = "logGroupNamePattern" in params
        page, token = await self._page(params)
        left_out = dict.fromkeys(("storedBytes", "deletionProtectionEnabled") if by_pattern else ())
        return {"logGroups": [{**self._description(row), **left_out} for row in page], "nextToken": token}

    async def list_log_groups(self, call: OperationCall) -> Members:
        """List groups by name, with their names, ARNs and classes."""
        page, token = await self._page(call.params)
        wanted = call.params.get("logGroupClass")
        groups = [self._description(row) for row in page]
        members = ("logGroupName", "logGroupArn", "logGroupClass")
        return {
            "logGroups": [
                {name: group[name] for name in members} for group in groups if wanted in (None, group["logGroupClass"])
            ],
            "nextToken": token,
        }

    async def put_retention_policy(self, call: OperationCall) -> Members:
        """Set a group's retention period; older events are deleted soon."""
        name, days = call.params["logGroupName"], call.params["retentionInDays"]
        if not await self._store.execute("UPDATE log_groups SET retention = ? WHERE name = ?", days, name):
            raise no_group()
        self._retention.wake()
        return {}

    async def delete_retention_policy(self, call: OperationCall) -> Members:
        """Keep a group's events for ever."""
        sql = "UPDATE log_groups SET retention = NULL WHERE name = ?"
        if not await self._store.execute(sql, call.params["logGroupName"]):
            raise no_group()
        return {}

    async def put_log_group_deletion_protection(self, call: OperationCall) -> Members:
        """Set whether DeleteLogGroup is refused."""
        name = group_name(call.params)
        require_group(self._store, name)
        settings = self._settings(name) | {"deletionProtectionEnabled": call.params["deletionProtectionEnabled"]}
        await self._store.execute("INSERT OR REPLACE INTO log_group_settings VALUES (?, ?)", name, json.dumps(settings))
        return {}

    async def _page(self, params: Members) -> tuple[list[sqlite3.Row], str | None]:
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
        return query_page(rows, limit, lambda row: [row["name"]])

    def _settings(self, group: str) -> Members:
        row = self._store.row("SELECT document FROM log_group_settings WHERE group_name = ?", group)
        return dict(json.loads(row["document"])) if row else {}

    def _description(self, row: sqlite3.Row) -> Members:
        arn = self._cloud.arn("logs", f"log-group:{row['name']}")
        settings = self._settings(row["name"])
        return {
            "logGroupName": row["name"],
            "creationTime": row["created"],
            "retentionInDays": row["retention"],
            "metricFilterCount": len(self._filters.of_group("metric", row["name"])),
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "storedBytes": row["bytes"],
            "kmsKeyId": settings.get("kmsKeyId"),
            "logGroupClass": settings.get("logGroupClass", "STANDARD"),
            "deletionProtectionEnabled": settings.get("deletionProtectionEnabled", False),
        }
