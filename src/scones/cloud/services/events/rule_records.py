"""Stored buses, rules and targets."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from dataclasses import dataclass
from typing import Any, TypeVar

from scones.cloud.context import CloudContext
from scones.cloud.core import pages
from scones.cloud.core.resumption import describe
from scones.cloud.patterns import Pattern, read_pattern
from scones.cloud.services.events.errors import invalid, limit_exceeded, no_bus, no_rule
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

T = TypeVar("T")
DEFAULT_BUS = "default"
RULES_OF_A_BUS = 300
"""Maximum number of rules per event bus, in most Regions (EventBridge User Guide, "EventBridge quotas")."""
SCHEMA = """
    CREATE TABLE IF NOT EXISTS events_buses (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS events_rules (
        bus TEXT NOT NULL REFERENCES events_buses(name) ON DELETE CASCADE, name TEXT NOT NULL, pattern TEXT,
        schedule TEXT, state TEXT NOT NULL, document TEXT NOT NULL, tags TEXT NOT NULL, modified REAL NOT NULL,
        PRIMARY KEY (bus, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS events_targets (
        bus TEXT NOT NULL, rule TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (bus, rule, id),
        FOREIGN KEY (bus, rule) REFERENCES events_rules(bus, name) ON DELETE CASCADE
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO events_buses VALUES ('default', '{}', '{}', strftime('%s', 'now'), strftime('%s', 'now'))
"""
"""The default bus exists before any service starts, because resumed executions may put events at once."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `document` holds its description and role."""

    bus: str
    name: str
    pattern: str | None
    schedule: str | None
    state: str
    document: dict[str, str]
    tags: dict[str, str]
    modified: float
    """Unix seconds."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> Rule:
        """Build a rule from its row; raises `TypeError` or `ValueError` if the row is damaged."""
        document, tags = json.loads(row["document"]), json.loads(row["tags"])
        if not (isinstance(document, dict) and isinstance(tags, dict)):
            raise TypeError("its document or its tags are not an object")
        return cls(
            row["bus"], row["name"], row["pattern"], row["schedule"], row["state"], document, tags, row["modified"]
        )

    @property
    def enabled(self) -> bool:
        """True unless the rule is disabled; a disabled rule neither matches events nor fires on schedule."""
        return self.state != "DISABLED"


class RuleRecords:
    """Reads and writes of EventBridge's tables. Raises AWS's errors for records that do not exist."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._damaged: set[tuple[str, str]] = set()
        """Buses and names of the damaged rules that were logged."""

    def bus_arn(self, name: str) -> str:
        """Return a bus's ARN."""
        return self._cloud.arn("events", f"event-bus/{name}")

    def rule_arn(self, rule: Rule) -> str:
        """Return a rule's ARN, which leaves out the name of the default bus."""
        resource_path = rule.name if rule.bus == DEFAULT_BUS else f"{rule.bus}/{rule.name}"
        return self._cloud.arn("events", f"rule/{resource_path}")

    def find_bus(self, name: str) -> sqlite3.Row | None:
        """Return the row of a bus, or None."""
        return self._store.row("SELECT * FROM events_buses WHERE name = ?", name)

    def bus(self, given: str | None) -> str:
        """Return a bus's name, given its name, its ARN, or None for the default bus.

        Raises `ResourceNotFoundException` if the bus does not exist.
        """
        name = (given or DEFAULT_BUS).rpartition(":event-bus/")[2]
        if self.find_bus(name) is None:
            raise no_bus(name)
        return name

    def buses(self, prefix: str) -> list[sqlite3.Row]:
        """Return the rows of all buses whose names begin with a prefix, sorted by name."""
        return self._store.rows(
            "SELECT * FROM events_buses WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name", prefix
        )

    async def add_bus(self, name: str, document: dict[str, Any], tags: dict[str, str]) -> bool:
        """Add a bus; return False if a bus of that name already exists."""
        now = time.time()
        added = await self._store.execute(
            "INSERT OR IGNORE INTO events_buses VALUES (?, ?, ?, ?, ?)",
            name,
            json.dumps(document),
            json.dumps(tags),
            now,
            now,
        )
        return added > 0

    def bus_document(self, name: str) -> Members:
        """Return the description, the policy and the settings of a bus; raises `ResourceNotFoundException`."""
        row = self.find_bus(name)
        if row is None:
            raise no_bus(name)
        document: Members = json.loads(row["document"])
        return document

    async def put_bus_document(self, name: str, document: Members) -> None:
        """Replace the description, the policy and the settings of a bus."""
        await self._store.execute(
            "UPDATE events_buses SET document = ?, modified = ? WHERE name = ?", json.dumps(document), time.time(), name
        )

    def bus_tags(self, name: str) -> dict[str, str]:
        """Return the tags of a bus that exists."""
        row = self.find_bus(name)
        tags: dict[str, str] = json.loads(row["tags"]) if row else {}
        return tags

    async def put_bus_tags(self, name: str, tags: dict[str, str]) -> None:
        """Replace the tags of a bus."""
        await self._store.execute("UPDATE events_buses SET tags = ? WHERE name = ?", json.dumps(tags), name)

    async def delete_bus(self, name: str) -> None:
        """Delete a bus."""
        await self._store.execute("DELETE FROM events_buses WHERE name = ?", name)

    def rule(self, name: str, bus: str) -> Rule:
        """Return a rule; raises `ResourceNotFoundException` if it does not exist."""
        row = self._store.row("SELECT * FROM events_rules WHERE bus = ? AND name = ?", bus, name)
        if row is None:
            raise no_rule(name, bus)
        return Rule.of(row)

    def rules(self, bus: str) -> list[Rule]:
        """Return the rules of a bus, sorted by name, without those whose rows are damaged."""
        rows = self._store.rows("SELECT * FROM events_rules WHERE bus = ? ORDER BY name", bus)
        return [rule for row in rows if (rule := self._readable(row)) is not None]

    def patterns(self, bus: str) -> list[tuple[Rule, Pattern]]:
        """Return the enabled rules of a bus that have a pattern, except those whose rows or patterns are damaged."""
        found = []
        for rule in self.rules(bus):
            if rule.enabled and rule.pattern:
                try:
                    found.append((rule, read_pattern(rule.pattern)))
                except Exception as error:  # a damaged pattern can be JSON of any shape
                    self._report(rule.bus, rule.name, error)
        return found

    def has_rules(self, bus: str) -> bool:
        """Return True if a bus has rules, including damaged ones."""
        return self._store.row("SELECT 1 FROM events_rules WHERE bus = ? LIMIT 1", bus) is not None

    def has_pattern_rules(self, bus: str) -> bool:
        """Return True if a bus has an enabled rule with an event pattern."""
        row = self._store.row(
            "SELECT 1 FROM events_rules WHERE bus = ? AND pattern IS NOT NULL AND state != 'DISABLED' LIMIT 1", bus
        )
        return row is not None

    def find_rule(self, name: str, bus: str) -> Rule | None:
        """Return a rule, or None if it does not exist or its row is damaged."""
        row = self._store.row("SELECT * FROM events_rules WHERE bus = ? AND name = ?", bus, name)
        return None if row is None else self._readable(row)

    def scheduled(self) -> list[Rule]:
        """Return the enabled rules that have a schedule."""
        rows = self._store.rows("SELECT * FROM events_rules WHERE schedule IS NOT NULL AND state != 'DISABLED'")
        return [rule for row in rows if (rule := self._readable(row)) is not None]

    def _readable(self, row: sqlite3.Row) -> Rule | None:
        """Return a row's rule, or None if the row is damaged."""
        try:
            return Rule.of(row)
        except (TypeError, ValueError) as error:
            self._report(row["bus"], row["name"], error)
            return None

    def _report(self, bus: str, name: str, error: Exception) -> None:
        """Log a damaged rule once."""
        if (bus, name) not in self._damaged:
            self._damaged.add((bus, name))
            log.error("The rule %s of bus %s is damaged, and sends no events: %s", name, bus, describe(error))

    async def put_rule(self, rule: Rule) -> None:
        """Create or replace a rule, and keep its targets.

        Raises `LimitExceededException` if a new rule would exceed `RULES_OF_A_BUS`.
        """

        def write(connection: sqlite3.Connection) -> None:
            others = "SELECT count(*) FROM events_rules WHERE bus = ?1 AND NOT EXISTS ("
            others += "SELECT 1 FROM events_rules WHERE bus = ?1 AND name = ?2)"
            (count,) = connection.execute(others, (rule.bus, rule.name)).fetchone()
            if count >= RULES_OF_A_BUS:
                raise limit_exceeded()
            connection.execute(
                "INSERT INTO events_rules VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (bus, name) DO UPDATE SET"
                " pattern = ?3, schedule = ?4, state = ?5, document = ?6, tags = ?7, modified = ?8",
                (
                    rule.bus,
                    rule.name,
                    rule.pattern,
                    rule.schedule,
                    rule.state,
                    json.dumps(rule.document),
                    json.dumps(rule.tags),
                    rule.modified,
                ),
            )

        await self._store.write(write)

    async def delete_rule(self, bus: str, name: str) -> None:
        """Delete a rule and its targets."""
        await self._store.execute("DELETE FROM events_rules WHERE bus = ? AND name = ?", bus, name)

    def targets(self, bus: str, rule: str) -> list[dict[str, Any]]:
        """Return the targets of a rule, sorted by id."""
        rows = self._store.rows("SELECT document FROM events_targets WHERE bus = ? AND rule = ? ORDER BY id", bus, rule)
        return [json.loads(row["document"]) for row in rows]

    def target_ids(self, bus: str, rule: str) -> list[str]:
        """Return the sorted ids of a rule's targets."""
        rows = self._store.rows("SELECT id FROM events_targets WHERE bus = ? AND rule = ? ORDER BY id", bus, rule)
        return [row["id"] for row in rows]

    def target(self, bus: str, rule: str, target_id: str) -> dict[str, Any] | None:
        """Return one target, or None if it does not exist."""
        row = self._store.row(
            "SELECT document FROM events_targets WHERE bus = ? AND rule = ? AND id = ?", bus, rule, target_id
        )
        return json.loads(row["document"]) if row else None

    async def put_targets(self, rule: Rule, targets: list[Members]) -> None:
        """Create or replace targets of a rule."""
        rows = [(rule.bus, rule.name, target["Id"], json.dumps(target)) for target in targets]
        await self._store.write(
            lambda connection: connection.executemany("INSERT OR REPLACE INTO events_targets VALUES (?, ?, ?, ?)", rows)
        )

    async def remove_targets(self, rule: Rule, ids: list[str]) -> None:
        """Remove targets from a rule."""
        rows = [(rule.bus, rule.name, each) for each in ids]
        await self._store.write(
            lambda connection: connection.executemany(
                "DELETE FROM events_targets WHERE bus = ? AND rule = ? AND id = ?", rows
            )
        )


def tags_of(params: Members) -> dict[str, str]:
    """Return the tags of a request by key."""
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}


def page(items: list[T], token: str | None, limit: int | None) -> tuple[list[T], str | None]:
    """Return a page of items (100 unless `limit` is given) and the token of the next page, if any."""
    return pages.page(items, token, limit or 100, invalid("NextToken is not valid."))
