"""Stored alarms and their history."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping

from scones.cloud.core.store import Store
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS cloudwatch_alarms (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}'
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS cloudwatch_alarm_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT, alarm TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL,
        at REAL NOT NULL, summary TEXT NOT NULL, data TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS cloudwatch_alarm_history_by_alarm ON cloudwatch_alarm_history (alarm, id)
"""
MAX_HISTORY = 1000
"""Number of newest items of history that are kept for each alarm; AWS keeps those of 30 days."""


class AlarmRecords:
    """Reads and changes the tables of alarms. A composite alarm has the member `AlarmRule`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, name: str) -> Members | None:
        """Return an alarm, or None if it does not exist."""
        row = self._store.row("SELECT document FROM cloudwatch_alarms WHERE name = ?", name)
        return None if row is None else dict(json.loads(row["document"]))

    def all(self) -> list[Members]:
        """Return all alarms by name."""
        rows = self._store.rows("SELECT document FROM cloudwatch_alarms ORDER BY name")
        return [dict(json.loads(row["document"])) for row in rows]

    async def put(self, alarm: Members, tags: Mapping[str, str] | None, item: HistoryItem) -> None:
        """Store an alarm or replace it; `tags` are those of a new alarm."""
        name, document = alarm["AlarmName"], json.dumps(alarm)

        def put(connection: sqlite3.Connection) -> None:
            sql = "UPDATE cloudwatch_alarms SET document = ? WHERE name = ?"
            if not connection.execute(sql, (document, name)).rowcount:
                row = (name, document, json.dumps(tags or {}))
                connection.execute("INSERT INTO cloudwatch_alarms VALUES (?, ?, ?)", row)
            add_history(connection, alarm, item)

        await self._store.write(put)

    async def delete(self, names: Iterable[str]) -> None:
        """Delete alarms with their history; unknown names have no effect."""
        wanted = [(name,) for name in names]

        def delete(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM cloudwatch_alarms WHERE name = ?", wanted)
            connection.executemany("DELETE FROM cloudwatch_alarm_history WHERE alarm = ?", wanted)

        await self._store.write(delete)

    def history(self, name: str) -> list[sqlite3.Row]:
        """Return an alarm's history, the newest item first."""
        sql = "SELECT * FROM cloudwatch_alarm_history WHERE alarm = ? ORDER BY id DESC"
        return self._store.rows(sql, name)

    def tags(self, name: str) -> dict[str, str] | None:
        """Return an alarm's tags by key, or None if it does not exist."""
        row = self._store.row("SELECT tags FROM cloudwatch_alarms WHERE name = ?", name)
        return None if row is None else dict(json.loads(row["tags"]))

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Replace an alarm's tags."""
        await self._store.execute("UPDATE cloudwatch_alarms SET tags = ? WHERE name = ?", json.dumps(tags), name)


HistoryItem = tuple[str, str, str]
"""The type, the summary and the data of an item of history."""


def add_history(connection: sqlite3.Connection, alarm: Members, item: HistoryItem) -> None:
    """Add an item to an alarm's history inside a write, and delete the oldest items beyond `MAX_HISTORY`."""
    kind, summary, data = item
    row = (alarm["AlarmName"], alarm_type(alarm), kind, time.time(), summary, data)
    connection.execute(
        "INSERT INTO cloudwatch_alarm_history (alarm, kind, type, at, summary, data) VALUES (?, ?, ?, ?, ?, ?)", row
    )
    connection.execute(
        "DELETE FROM cloudwatch_alarm_history WHERE alarm = ?1 AND id <="
        " (SELECT id FROM cloudwatch_alarm_history WHERE alarm = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (alarm["AlarmName"], MAX_HISTORY),
    )


def alarm_type(alarm: Members) -> str:
    """Return MetricAlarm or CompositeAlarm."""
    return "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm"
