"""The version of the database schema, and the migrations from each version to the next."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scones.cloud.errors import CloudError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One change of tables in existing data folders; it upgrades the schema to version `number`.

    `change` describes it in one sentence. The statements run only if the folder has all of `tables`. A table that the
    folder lacks needs no change, because its service creates it in its present form.
    """

    number: int
    change: str
    tables: tuple[str, ...]
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        number=2,
        change="The aliases of executions are a column of sfn_executions instead of a table.",
        tables=("sfn_executions", "sfn_execution_aliases"),
        statements=(
            "ALTER TABLE sfn_executions ADD COLUMN alias TEXT",
            "UPDATE sfn_executions SET alias = old.alias FROM sfn_execution_aliases AS old WHERE old.execution = id",
            "DROP TABLE sfn_execution_aliases",
        ),
    ),
    Migration(
        number=3,
        change="The index sfn_failed_attempts_in_order replaces sfn_failed_attempts_execution.",
        tables=("sfn_failed_attempts",),
        statements=("DROP INDEX IF EXISTS sfn_failed_attempts_execution",),
    ),
    Migration(
        number=4,
        change="The index s3_uploads_in_order replaces s3_uploads_by_key.",
        tables=("s3_uploads",),
        statements=("DROP INDEX IF EXISTS s3_uploads_by_key",),
    ),
    Migration(
        number=5,
        change="Objects have a version ID.",
        tables=("s3_objects",),
        statements=("ALTER TABLE s3_objects ADD COLUMN version TEXT NOT NULL DEFAULT 'null'",),
    ),
    Migration(
        number=6,
        change="Buckets have a versioning state.",
        tables=("s3_buckets",),
        statements=("ALTER TABLE s3_buckets ADD COLUMN versioning TEXT NOT NULL DEFAULT ''",),
    ),
    Migration(
        number=7,
        change="Subscriptions have a principal, and record how they were confirmed.",
        tables=("sns_subscriptions",),
        statements=(
            "ALTER TABLE sns_subscriptions ADD COLUMN principal TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE sns_subscriptions ADD COLUMN authenticated INTEGER NOT NULL DEFAULT 1",
            "ALTER TABLE sns_subscriptions ADD COLUMN guarded INTEGER NOT NULL DEFAULT 0",
            "UPDATE sns_subscriptions SET authenticated = 0 WHERE pending",
            "UPDATE sns_subscriptions SET principal = 'arn:aws:iam::'"
            " || substr(topic, 13 + instr(substr(topic, 13), ':'), 12) || ':root'",  # after arn:aws:sns:REGION:
        ),
    ),
)
"""All migrations, in order. Append new ones; never change one that was released.

A new table or index needs no migration: its service creates it with IF NOT EXISTS, after the migrations.
"""
VERSION = MIGRATIONS[-1].number
"""Schema version of this release, stored as `PRAGMA user_version`.

Version 1 is the schema before the first migration. Version 0 is a new database, or one from before versions existed.
"""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate a database to this release's version, before the services create their tables.

    Each migration is one transaction, which also sets the version: after a crash, the next start continues with the
    first migration that was not committed. Raises `CloudError` for the database of a newer release.
    """
    found = version_of(connection)
    require_known(found, path)
    for migration in MIGRATIONS:
        if migration.number > found and _tables(connection).issuperset(migration.tables):
            log.info("The data folder is upgraded to version %d: %s", migration.number, migration.change)
            _apply(migration, connection, path)
    if found < VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")


def version_of(connection: sqlite3.Connection) -> int:
    """Return a database's schema version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def require_known(version: int, path: Path) -> None:
    """Raise `CloudError` for a version of a newer release."""
    if version > VERSION:
        raise CloudError(
            f"{path} was written by a newer release of Scones (schema version {version}; this release supports "
            f"up to {VERSION}): update Scones, or specify another folder with --data-dir."
        )


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _apply(migration: Migration, connection: sqlite3.Connection, path: Path) -> None:
    """Run one migration; raises `CloudError` if its statements do not fit the folder's tables."""
    try:
        with _foreign_keys_off(connection), _transaction(connection):
            for statement in migration.statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {migration.number}")
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # an extended code has more bits
        if code not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT):
            raise  # the database is damaged, or the disk is full
        raise CloudError(
            f"{path} cannot be upgraded to version {migration.number} ({error}); nothing is lost: start it with the "
            "release that you used before, and report this failure."
        ) from error


@contextlib.contextmanager
def _foreign_keys_off(connection: sqlite3.Connection) -> Iterator[None]:
    """Turn foreign keys off: with them, DROP TABLE would delete the rows of other tables that refer to the table."""
    (before,) = connection.execute("PRAGMA foreign_keys").fetchone()
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA foreign_keys = {before}")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself has rolled back if the disk is full
            connection.execute("ROLLBACK")
        raise
