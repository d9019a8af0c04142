"""Stored schedules and groups of schedules."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass

from scones.cloud.context import CloudContext
from scones.cloud.services.scheduler.errors import conflict, not_found
from scones.cloud.services.scheduler.expressions import ExpressionError, parse_expression, time_zone
from scones.cloud.wire.members import Members

DEFAULT_GROUP = "default"
SCHEMA = """
    CREATE TABLE IF NOT EXISTS scheduler_groups (
        name TEXT PRIMARY KEY, tags TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL, token TEXT
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS scheduler_schedules (
        group_name TEXT NOT NULL REFERENCES scheduler_groups(name) ON DELETE CASCADE, name TEXT NOT NULL,
        document TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL, fired REAL, token TEXT,
        PRIMARY KEY (group_name, name)
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO scheduler_groups VALUES
        ('default', '{}', strftime('%s', 'now'), strftime('%s', 'now'), NULL)
"""


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule; `document` has its members as the API describes them. All times are Unix seconds."""

    group: str
    name: str
    document: Members
    created: float
    modified: float
    fired: float | None
    """The last fire time."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> StoredSchedule:
        """Build a schedule from its row."""
        document = json.loads(row["document"])
        return cls(row["group_name"], row["name"], document, row["created"], row["modified"], row["fired"])

    @property
    def key(self) -> tuple[str, str]:
        """The group and the name, which identify a schedule."""
        return self.group, self.name

    @property
    def enabled(self) -> bool:
        """True unless the schedule is disabled."""
        return bool(self.document["State"] == "ENABLED")

    @property
    def once(self) -> bool:
        """True for a one-time schedule."""
        return bool(self.document["ScheduleExpression"].startswith("at("))

    def next(self, after: float) -> float | None:
        """Return the first fire time after `after`, or None if the schedule has ended."""
        try:
            zone = time_zone(self.document["ScheduleExpressionTimezone"])
            schedule = parse_expression(self.document["ScheduleExpression"], zone)
        except ExpressionError:  # a time zone that this machine's database no longer has
            return None
        start, end = self.document.get("StartDate"), self.document.get("EndDate")
        begun = self.created if start is None else start
        at = schedule.next(after if start is None else max(after, start - 1), begun)
        return None if at is None or (end is not None and at > end) else at


class ScheduleRecords:
    """Reads and writes of the tables. Raises AWS's errors for records that do not exist."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._store = cloud.store

    def group_arn(self, name: str) -> str:
        """Return a group's ARN."""
        return self._cloud.arn("scheduler", f"schedule-group/{name}")

    def schedule_arn(self, group: str, name: str) -> str:
        """Return a schedule's ARN."""
        return self._cloud.arn("scheduler", f"schedule/{group}/{name}")

    def group(self, name: str) -> sqlite3.Row:
        """Return the row of a group; raises `ResourceNotFoundException` if it does not exist."""
        row = self._store.row("SELECT * FROM scheduler_groups WHERE name = ?", name)
        if row is None:
            raise not_found(f"Schedule group {name}")
        return row

    def groups(self, prefix: str) -> list[sqlite3.Row]:
        """Return the rows of the groups whose names begin with a prefix, sorted by name."""
        return self._store.rows(
            "SELECT * FROM scheduler_groups WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name", prefix
        )

    async def add_group(self, name: str, tags: dict[str, str], token: str | None) -> None:
        """Add a group; raises `ConflictException` if it exists, unless a request with the same token created it."""
        now = time.time()
        added = await self._store.execute(
            "INSERT OR IGNORE INTO scheduler_groups VALUES (?, ?, ?, ?, ?)", name, json.dumps(tags), now, now, token
        )
        if not added and (token is None or self.group(name)["token"] != token):
            raise conflict(f"Schedule group {name}")

    async def put_tags(self, name: str, tags: dict[str, str]) -> None:
        """Replace a group's tags."""
        await self._store.execute("UPDATE scheduler_groups SET tags = ? WHERE name = ?", json.dumps(tags), name)

    async def delete_group(self, name: str) -> None:
        """Delete a group with its schedules."""
        await self._store.execute("DELETE FROM scheduler_groups WHERE name = ?", name)

    def find(self, group: str, name: str) -> StoredSchedule | None:
        """Return a schedule, or None."""
        row = self._store.row("SELECT * FROM scheduler_schedules WHERE group_name = ? AND name = ?", group, name)
        return StoredSchedule.of(row) if row else None

    def schedule(self, group: str, name: str) -> StoredSchedule:
        """Return a schedule; raises `ResourceNotFoundException` if it does not exist."""
        found = self.find(group, name)
        if found is None:
            raise not_found(f"Schedule {name}")
        return found

    def schedules(self, group: str | None = None) -> list[StoredSchedule]:
        """Return the schedules of a group or of all groups, sorted by group and name."""
        rows = self._store.rows(
            "SELECT * FROM scheduler_schedules WHERE ?1 IS NULL OR group_name = ?1 ORDER BY group_name, name", group
        )
        return [StoredSchedule.of(row) for row in rows]

    async def add(self, group: str, name: str, document: Members, token: str | None) -> bool:
        """Add a schedule; return False if a request with the same token has already created it.

        Raises `ConflictException` if the schedule exists otherwise.
        """
        now = time.time()
        added = await self._store.execute(
            "INSERT OR IGNORE INTO scheduler_schedules VALUES (?, ?, ?, ?, ?, NULL, ?)",
            group,
            name,
            json.dumps(document),
            now,
            now,
            token,
        )
        if added:
            return True
        row = self._store.row("SELECT token FROM scheduler_schedules WHERE group_name = ? AND name = ?", group, name)
        if token is None or row is None or row["token"] != token:
            raise conflict(f"Schedule {name}")
        return False

    async def update(self, group: str, name: str, document: Members) -> None:
        """Replace a schedule's document."""
        await self._store.execute(
            "UPDATE scheduler_schedules SET document = ?, modified = ?, fired = NULL WHERE group_name = ? AND name = ?",
            json.dumps(document),
            time.time(),
            group,
            name,
        )

    async def delete(self, group: str, name: str) -> None:
        """Delete a schedule."""
        await self._store.execute("DELETE FROM scheduler_schedules WHERE group_name = ? AND name = ?", group, name)
