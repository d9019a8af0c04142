"""Metric filters and subscription filters of log groups."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from typing import Literal, NamedTuple

from scones.cloud.core.store import Store
from scones.cloud.core.text_order import successor
from scones.cloud.wire.members import Members

Kind = Literal["metric", "subscription"]


class LogFilter(NamedTuple):
    """A filter of one group; `document` is what Describe… returns."""

    kind: Kind
    group: str
    name: str
    document: Members


class LogFilters:
    """The stored filters. The lanes of each group are also in memory, because every write of events needs them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lanes: dict[str, tuple[str, ...]] = {}

    def load(self) -> None:
        """Read the lanes of all groups; call it when the cloud starts."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self._store.rows("SELECT kind, group_name, name FROM log_filters"):
            found[row["group_name"]].append(lane_of(row["kind"], row["group_name"], row["name"]))
        self._lanes = {group: tuple(lanes) for group, lanes in found.items()}

    def lanes(self, group: str) -> tuple[str, ...]:
        """Return the lanes of the deliveries that a group's events need, one for each filter."""
        return self._lanes.get(group, ())

    def get(self, kind: str, group: str, name: str) -> LogFilter | None:
        """Return a filter, or None if it does not exist."""
        sql = "SELECT * FROM log_filters WHERE group_name = ? AND kind = ? AND name = ?"
        found = [_log_filter(row) for row in self._store.rows(sql, group, kind, name)]
        return found[0] if found else None

    def of_group(self, kind: Kind, group: str, prefix: str = "") -> list[LogFilter]:
        """Return a group's filters whose names start with a prefix, by name."""
        sql = "SELECT * FROM log_filters WHERE group_name = ? AND kind = ? AND name >= ? AND name < ? ORDER BY name"
        return [_log_filter(row) for row in self._store.rows(sql, group, kind, prefix, successor(prefix))]

    def all(self, kind: Kind) -> list[LogFilter]:
        """Return the filters of all groups, by name and group."""
        sql = "SELECT * FROM log_filters WHERE kind = ? ORDER BY name, group_name"
        return [_log_filter(row) for row in self._store.rows(sql, kind)]

    async def put(self, new: LogFilter) -> None:
        """Store a filter or replace it."""
        await self._store.execute(
            "INSERT OR REPLACE INTO log_filters VALUES (?, ?, ?, ?)",
            new.kind,
            new.group,
            new.name,
            json.dumps(new.document),
        )
        self.load()

    async def delete(self, kind: Kind, group: str, name: str) -> bool:
        """Delete a filter; returns False if it did not exist."""
        sql = "DELETE FROM log_filters WHERE group_name = ? AND kind = ? AND name = ?"
        deleted = await self._store.execute(sql, group, kind, name)
        self.load()
        return bool(deleted)


def lane_of(kind: str, group: str, name: str) -> str:
    """Return the lane of a filter's deliveries; names of groups contain neither tabs nor spaces."""
    return f"{kind}\t{group}\t{name}"


def filter_key(lane: str) -> tuple[str, str, str]:
    """Return the kind, the group and the name of a lane's filter."""
    kind, group, name = lane.split("\t", 2)
    return kind, group, name


def _log_filter(row: sqlite3.Row) -> LogFilter:
    return LogFilter(
        "metric" if row["kind"] == "metric" else "subscription",
        row["group_name"],
        row["name"],
        json.loads(row["document"]),
    )
