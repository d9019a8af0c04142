"""Operations on log streams."""

from __future__ import annotations

import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.core.bulk_deletes import delete_all
from scones.cloud.core.clock import now_ms
from scones.cloud.core.pages import query_page, read_key
from scones.cloud.core.text_order import successor
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import exists, invalid, invalid_token, no_group, no_stream
from scones.cloud.services.logs.group_names import existing_group
from scones.cloud.wire.members import Members


class LogStreamOperations:
    """Operations that create, list and delete streams."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._store = cloud.store

    async def create_log_stream(self, call: OperationCall) -> Members:
        """Create an empty stream."""
        group, name = call.params["logGroupName"], call.params["logStreamName"]

        def create(connection: sqlite3.Connection) -> None:
            if not connection.execute("SELECT 1 FROM log_groups WHERE name = ?", (group,)).fetchone():
                raise no_group()
            found = connection.execute("SELECT 1 FROM log_streams WHERE group_name = ? AND name = ?", (group, name))
            if found.fetchone():
                raise exists("log stream")
            connection.execute(
                "INSERT INTO log_streams (group_name, name, created) VALUES (?, ?, ?)", (group, name, now_ms())
            )

        await self._store.write(create)
        return {}

    async def delete_log_stream(self, call: OperationCall) -> Members:
        """Delete a stream with its events."""
        group, name = call.params["logGroupName"], call.params["logStreamName"]
        await delete_all(self._store, "log_events", "group_name = ? AND stream = ?", group, name)
        if not await self._store.execute("DELETE FROM log_streams WHERE group_name = ? AND name = ?", group, name):
            raise no_stream()
        return {}

    async def describe_log_streams(self, call: OperationCall) -> Members:
        """List a group's streams by name or last event; the last page has no token, because SDKs would loop on one."""
        group, prefix = existing_group(self._store, call.params), call.params.get("logStreamNamePrefix", "")
        by_time, limit = call.params.get("orderBy") == "LastEventTime", call.params.get("limit", 50)
        if by_time and prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        compare, direction = ("<", "DESC") if call.params.get("descending") else (">", "ASC")
        key = "(coalesce(last, -1), name)" if by_time else "name"
        conditions: list[str] = ["group_name = ?"]
        values: list[str | bytes | int] = [group]
        if prefix:
            conditions += ["name >= ?", "name < ?"]
            values += [prefix, successor(prefix)]
        if token := call.params.get("nextToken"):
            conditions.append(f"{key} {compare} {'(?, ?)' if by_time else '?'}")
            values += read_key(token, [int, str] if by_time else [str], invalid_token())
        order = f"coalesce(last, -1) {direction}, name {direction}" if by_time else f"name {direction}"
        rows = self._store.rows(
            "SELECT *, coalesce(last, -1) AS last_event FROM log_streams"  # noqa: S608
            f" WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?",
            *values,
            limit + 1,
        )
        key_columns = ("last_event", "name") if by_time else ("name",)
        page, token = query_page(rows, limit, lambda row: [row[column] for column in key_columns])
        return {"logStreams": [self._description(row) for row in page], "nextToken": token}

    def _description(self, row: sqlite3.Row) -> Members:
        return {
            "logStreamName": row["name"],
            "creationTime": row["created"],
            "firstEventTimestamp": row["first"],
            "lastEventTimestamp": row["last"],
            "lastIngestionTime": row["ingested"],
            "uploadSequenceToken": None,
            "arn": self._cloud.arn("logs", f"log-group:{row['group_name']}:log-stream:{row['name']}"),
            "storedBytes": 0,  # AWS has reported 0 here since 2019
        }
