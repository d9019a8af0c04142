"""The tables of CloudWatch Logs."""

from __future__ import annotations

SCHEMA = """
    CREATE TABLE IF NOT EXISTS log_groups (
        name TEXT PRIMARY KEY, created INTEGER NOT NULL, retention INTEGER, tags TEXT NOT NULL DEFAULT '{}'
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_streams (
        group_name TEXT NOT NULL REFERENCES log_groups(name) ON DELETE CASCADE, name TEXT NOT NULL,
        created INTEGER NOT NULL, first INTEGER, last INTEGER, ingested INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (group_name, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, stream TEXT NOT NULL,
        at INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL,
        FOREIGN KEY (group_name, stream) REFERENCES log_streams(group_name, name) ON DELETE CASCADE
    );
    CREATE TABLE IF NOT EXISTS log_group_settings (
        group_name TEXT PRIMARY KEY REFERENCES log_groups(name) ON DELETE CASCADE, document TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_filters (
        kind TEXT NOT NULL, group_name TEXT NOT NULL REFERENCES log_groups(name) ON DELETE CASCADE,
        name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (group_name, kind, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_documents (
        kind TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS log_streams_by_last ON log_streams (group_name, coalesce(last, -1), name);
    CREATE INDEX IF NOT EXISTS log_events_by_stream ON log_events (group_name, stream, at, id);
    CREATE INDEX IF NOT EXISTS log_events_by_group ON log_events (group_name, at, id)
"""
