"""Stored archives with their events, and stored replays."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.events.errors import limit_exceeded
from scones.cloud.wire.members import Members

ACTIVE_REPLAYS = 10
"""Maximum number of replays that run at once (EventBridge User Guide, "EventBridge quotas")."""
ACTIVE = ("STARTING", "RUNNING", "CANCELLING")
"""States of a replay that has not ended."""
SCHEMA = """
    CREATE TABLE IF NOT EXISTS events_archives (
        name TEXT PRIMARY KEY, bus TEXT NOT NULL, document TEXT NOT NULL, created REAL NOT NULL,
        events INTEGER NOT NULL, bytes INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS events_archives_by_bus ON events_archives (bus);
    CREATE TABLE IF NOT EXISTS events_archived (
        id INTEGER PRIMARY KEY AUTOINCREMENT, archive TEXT NOT NULL REFERENCES events_archives(name) ON DELETE CASCADE,
        moment REAL NOT NULL, event TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS events_archived_in_order ON events_archived (archive, moment, id);
    CREATE TABLE IF NOT EXISTS events_replays (
        name TEXT PRIMARY KEY, archive TEXT NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL,
        started REAL NOT NULL, ended REAL, replayed REAL, moment REAL NOT NULL, number INTEGER NOT NULL
    ) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive; `document` has its Description, EventPattern, RetentionDays and KmsKeyIdentifier."""

    name: str
    bus: str
    document: Members
    created: float
    events: int
    bytes: int

    @classmethod
    def of(cls, row: sqlite3.Row) -> Archive:
        """Build an archive from its row."""
        return cls(row["name"], row["bus"], json.loads(row["document"]), row["created"], row["events"], row["bytes"])

    @property
    def days(self) -> int:
        """Days for which events are kept; 0 means that they are kept forever."""
        days: int = self.document["RetentionDays"]
        return days


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    """An event of an archive: its number, its time in Unix seconds, and its text."""

    number: int
    moment: float
    event: dict[str, Any]


class ArchiveRecords:
    """Reads and writes of archives and replays. Raises AWS's errors for records that do not exist."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, name: str) -> Archive | None:
        """Return an archive, or None."""
        row = self._store.row("SELECT * FROM events_archives WHERE name = ?", name)
        return Archive.of(row) if row else None

    def archive(self, name: str) -> Archive:
        """Return an archive; raises `ResourceNotFoundException` if it does not exist."""
        if (found := self.find(name)) is None:
            raise ServiceError("ResourceNotFoundException", f"Archive {name} does not exist.")
        return found

    def archives(self) -> list[Archive]:
        """Return all archives, sorted by name."""
        return [Archive.of(row) for row in self._store.rows("SELECT * FROM events_archives ORDER BY name")]

    def of_bus(self, bus: str) -> list[Archive]:
        """Return the archives of a bus, sorted by name."""
        rows = self._store.rows("SELECT * FROM events_archives WHERE bus = ? ORDER BY name", bus)
        return [Archive.of(row) for row in rows]

    async def add(self, name: str, bus: str, document: Members) -> float:
        """Create an archive; return the time. Raises `ResourceAlreadyExistsException`."""
        now = time.time()
        insert = "INSERT OR IGNORE INTO events_archives VALUES (?, ?, ?, ?, 0, 0)"
        if not await self._store.execute(insert, name, bus, json.dumps(document), now):
            raise ServiceError("ResourceAlreadyExistsException", f"Archive {name} already exists.")
        return now

    async def update(self, name: str, document: Members) -> None:
        """Replace an archive's document."""
        await self._store.execute("UPDATE events_archives SET document = ? WHERE name = ?", json.dumps(document), name)

    async def delete(self, name: str) -> None:
        """Delete an archive with its events."""
        await self._store.execute("DELETE FROM events_archives WHERE name = ?", name)

    @staticmethod
    def put_event(connection: sqlite3.Connection, archive: str, moment: float, event: dict[str, Any]) -> None:
        """Store an event in an archive, inside a write; do nothing if the archive was deleted."""
        text = json.dumps(event, separators=(",", ":"))
        added = connection.execute(
            "UPDATE events_archives SET events = events + 1, bytes = bytes + ? WHERE name = ?", (len(text), archive)
        )
        if added.rowcount:
            connection.execute(
                "INSERT INTO events_archived (archive, moment, event) VALUES (?, ?, ?)", (archive, moment, text)
            )

    async def expire(self, name: str, before: float, most: int) -> int:
        """Delete up to `most` events of an archive that are older than `before`; return their number."""

        def write(connection: sqlite3.Connection) -> int:
            rows = connection.execute(
                "SELECT id, length(event) AS bytes FROM events_archived WHERE archive = ? AND moment < ? LIMIT ?",
                (name, before, most),
            ).fetchall()
            connection.executemany("DELETE FROM events_archived WHERE id = ?", [(row["id"],) for row in rows])
            connection.execute(
                "UPDATE events_archives SET events = events - ?, bytes = bytes - ? WHERE name = ?",
                (len(rows), sum(row["bytes"] for row in rows), name),
            )
            return len(rows)

        return await self._store.write(write)

    def page(self, replay: sqlite3.Row, end: float, most: int) -> list[ArchivedEvent]:
        """Return the next events of a replay, in the order of their times."""
        rows = self._store.rows(
            "SELECT id, moment, event FROM events_archived WHERE archive = ? AND (moment, id) > (?, ?) AND moment < ?"
            " ORDER BY moment, id LIMIT ?",
            replay["archive"],
            replay["moment"],
            replay["number"],
            end,
            most,
        )
        return [ArchivedEvent(row["id"], row["moment"], json.loads(row["event"])) for row in rows]

    def replay(self, name: str) -> sqlite3.Row:
        """Return the row of a replay; raises `ResourceNotFoundException` if it does not exist."""
        row = self._store.row("SELECT * FROM events_replays WHERE name = ?", name)
        if row is None:
            raise ServiceError("ResourceNotFoundException", f"Replay {name} does not exist.")
        return row

    def replays(self) -> list[sqlite3.Row]:
        """Return the rows of all replays, sorted by name."""
        return self._store.rows("SELECT * FROM events_replays ORDER BY name")

    def active_replays(self) -> list[str]:
        """Return the names of the replays that have not ended."""
        return [row["name"] for row in self.replays() if row["state"] in ACTIVE]

    async def add_replay(self, name: str, archive: str, document: Members, start: float) -> float:
        """Create a replay of the events from `start`; return the time.

        Raises `ResourceAlreadyExistsException`, and `LimitExceededException` if too many replays are active.
        """
        now = time.time()

        def write(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM events_replays WHERE name = ?", (name,)).fetchone():
                raise ServiceError("ResourceAlreadyExistsException", f"Replay {name} already exists.")
            states = connection.execute("SELECT state FROM events_replays").fetchall()
            if sum(row["state"] in ACTIVE for row in states) >= ACTIVE_REPLAYS:
                raise limit_exceeded()
            connection.execute(
                "INSERT INTO events_replays VALUES (?, ?, 'STARTING', ?, ?, NULL, NULL, ?, 0)",
                (name, archive, json.dumps(document), now, start),
            )

        await self._store.write(write)
        return now

    async def expire_replays(self, before: float) -> None:
        """Delete the replays that ended before a time."""
        await self._store.execute("DELETE FROM events_replays WHERE ended < ?", before)

    async def advance_replay(self, name: str, last: ArchivedEvent) -> None:
        """Record the last event that a replay has sent."""
        await self._store.execute(
            "UPDATE events_replays SET replayed = ?, moment = ?, number = ? WHERE name = ?",
            last.moment,
            last.moment,
            last.number,
            name,
        )

    async def change_replay(self, name: str, state: str) -> None:
        """Set a replay's state, and the time of its end if it has ended."""
        ended = None if state in ACTIVE else time.time()
        await self._store.execute("UPDATE events_replays SET state = ?, ended = ? WHERE name = ?", state, ended, name)
