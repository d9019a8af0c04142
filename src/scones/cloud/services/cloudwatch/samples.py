"""Stored metrics and their samples."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from scones.cloud.wire.members import Members

Sample = tuple[float, str, float, float]
"""Time in seconds since 1970, unit, value, and count of measurements with that value."""

SCHEMA = """
    CREATE TABLE IF NOT EXISTS metrics (
        id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
        UNIQUE (namespace, name, dimensions)
    );
    CREATE TABLE IF NOT EXISTS metric_samples (
        metric INTEGER NOT NULL REFERENCES metrics(id), at REAL NOT NULL, unit TEXT NOT NULL,
        value REAL NOT NULL, count REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS metric_statistic_sets (
        metric INTEGER NOT NULL REFERENCES metrics(id), at REAL NOT NULL, unit TEXT NOT NULL,
        count REAL NOT NULL, total REAL NOT NULL, least REAL NOT NULL, greatest REAL NOT NULL
    );
    CREATE INDEX IF NOT EXISTS metric_statistic_sets_by_time ON metric_statistic_sets (metric, at);
    CREATE INDEX IF NOT EXISTS metric_samples_by_time ON metric_samples (metric, at)
"""

StatisticSet = tuple[float, str, float, float, float, float]
"""Time in seconds since 1970, unit, count, sum, minimum and maximum of measurements."""


def to_seconds(timestamp: datetime | float) -> float:
    """Return a timestamp in seconds since 1970."""
    return timestamp.timestamp() if isinstance(timestamp, datetime) else float(timestamp)


def dimensions_column(dimensions: dict[str, str]) -> str:
    """Return dimensions as the column `dimensions` stores them."""
    return json.dumps(dimensions, sort_keys=True)


def dimensions_of(params: Members) -> dict[str, str]:
    """Return the values of a request's or datum's dimensions by name."""
    return {each["Name"]: each["Value"] for each in params.get("Dimensions", [])}


def insert_samples(
    connection: sqlite3.Connection, namespace: str, name: str, dimensions: dict[str, str], samples: Iterable[Sample]
) -> None:
    """Store samples of a metric, which is created on first use."""
    metric = _metric(connection, namespace, name, dimensions)
    connection.executemany(
        "INSERT INTO metric_samples VALUES (?, ?, ?, ?, ?)", [(metric, *sample) for sample in samples]
    )


def add_to_samples(
    connection: sqlite3.Connection, namespace: str, name: str, dimensions: dict[str, str], samples: Iterable[Sample]
) -> None:
    """Add to the counts of samples with the same time, unit and value, or store new samples."""
    metric = _metric(connection, namespace, name, dimensions)
    for at, unit, value, count in samples:
        changed = connection.execute(
            "UPDATE metric_samples SET count = count + ? WHERE metric = ? AND at = ? AND unit = ? AND value = ?",
            (count, metric, at, unit, value),
        )
        if not changed.rowcount:
            connection.execute("INSERT INTO metric_samples VALUES (?, ?, ?, ?, ?)", (metric, at, unit, value, count))


def delete_samples(connection: sqlite3.Connection, namespace: str, before: float) -> None:
    """Delete the samples of a namespace's metrics that are older than a time, and metrics without samples."""
    rows = connection.execute("SELECT id FROM metrics WHERE namespace = ?", (namespace,)).fetchall()
    for row in rows:
        connection.execute("DELETE FROM metric_samples WHERE metric = ? AND at < ?", (row["id"], before))
        connection.execute(
            "DELETE FROM metrics WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM metric_samples WHERE metric = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM metric_statistic_sets WHERE metric = ?1)",
            (row["id"],),
        )


def insert_statistic_set(
    connection: sqlite3.Connection, namespace: str, name: str, dimensions: dict[str, str], statistics: StatisticSet
) -> None:
    """Store a statistic set of a metric, which is created on first use."""
    metric = _metric(connection, namespace, name, dimensions)
    connection.execute("INSERT INTO metric_statistic_sets VALUES (?, ?, ?, ?, ?, ?, ?)", (metric, *statistics))


def _metric(connection: sqlite3.Connection, namespace: str, name: str, dimensions: dict[str, str]) -> int:
    key = (namespace, name, dimensions_column(dimensions))
    connection.execute("INSERT OR IGNORE INTO metrics (namespace, name, dimensions) VALUES (?, ?, ?)", key)
    found = connection.execute("SELECT id FROM metrics WHERE namespace = ? AND name = ? AND dimensions = ?", key)
    return int(found.fetchone()["id"])
