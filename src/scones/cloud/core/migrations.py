"""The version of the database schema, and the migrations from each version to the next."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from scones.cloud.errors import CloudError

MIGRATIONS: tuple[tuple[str, ...], ...] = ()
"""Migration n (from 0) contains the statements from version n + 1 to n + 2. Append new ones; never change old ones.

New tables and indexes need no migration: services create them with IF NOT EXISTS.
"""
VERSION = 1 + len(MIGRATIONS)
"""Schema version of this release, stored as `PRAGMA user_version`; 0 is a database from before versions existed."""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate a database to this release's version in one transaction; raises `CloudError` for a newer version."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise CloudError(
            f"{path} was written by a newer release of Scones (its format is {found}, this release reads up to "
            f"{VERSION}): update Scones, or give another folder with --data-dir."
        )
    if found == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():  # a new database needs no migration
            for step in MIGRATIONS[max(found, 1) - 1 :]:
                for statement in step:
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
