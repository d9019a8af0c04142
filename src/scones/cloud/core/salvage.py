"""Salvage: copies the readable rows of a damaged database to a new one; the damaged one is kept."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scones.cloud.core.data_folder import lost_database
from scones.cloud.core.database_pages import DatabasePages, StoredTable, Value
from scones.cloud.core.durable_files import sync_folder
from scones.cloud.core.migrations import VERSION, require_known, version_of
from scones.cloud.core.store import statements

log = logging.getLogger(__name__)

_PARTS = ("", "-wal", "-shm", "-mark")
_MAX_SCHEMA_VERSION = 1000
"""Limit of credible schema versions: a damaged header can state any number."""


@dataclass(slots=True)
class SalvageReport:
    """The result of a salvage: the folder of the damaged database, and counts of what was read from it.

    `rows` is the number of rows by service. `incomplete` lists the tables that have lost rows.
    """

    damaged_copy: Path
    rows: dict[str, int] = field(default_factory=dict)
    incomplete_tables: list[str] = field(default_factory=list)
    list_damaged: bool = False
    """True if the schema table is damaged: tables that were not found may be lost."""
    total_pages: int = 0
    missing_pages: int = 0
    """Number of the database's pages, and number of missing pages."""

    def __str__(self) -> str:
        """Describe what was salvaged and what is lost, in sentences."""
        missing = f" ({self.missing_pages} of its {self.total_pages} pages are missing)" if self.missing_pages else ""
        by_service = ", ".join(f"{service} {count:,}" for service, count in self.rows.items() if count)
        found = f"{sum(self.rows.values()):,} rows were copied to a new database ({by_service})" if by_service else ""
        sentences = [f"cloud.sqlite was damaged{missing}: {found or 'no rows could be read'}."]
        if self.incomplete_tables:
            sentences.append(f"Some rows of {', '.join(self.incomplete_tables)} are lost.")
        if self.list_damaged:
            sentences.append("The list of tables was damaged too; tables that were not found are lost.")
        elif not self.incomplete_tables:
            sentences.append("No rows are known to be lost.")
        return " ".join([*sentences, f"The damaged database was kept in {self.damaged_copy.name}."])


def damage_of(database: Path) -> str:
    """Return SQLite's description of a database's damage, or ""; reads the whole database and changes nothing."""
    if not database.exists() or not database.stat().st_size:
        return lost_database(database.parent)
    try:
        with contextlib.closing(_read_only(database)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(line for text in found for line in text.splitlines())


def salvage(database: Path, schemas: Mapping[str, str]) -> SalvageReport:
    """Replace a database with a new one that has the readable rows; `schemas` are the schemas by service name.

    The new database replaces the damaged one when it is complete; a salvage that is interrupted before then has changed
    nothing. Raises `CloudError` for the database of a newer release.
    """
    _require_known(database)
    damaged_folder = database.with_name(f"{database.name}-damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    damaged_folder.mkdir(mode=0o700)
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            _preserve(database.with_name(database.name + part), damaged_folder / (database.name + part))
    draft = damaged_folder / "salvaged.sqlite"
    result = SalvageReport(damaged_folder)
    with contextlib.closing(sqlite3.connect(draft)) as new, DatabasePages(damaged_folder / database.name) as pages:
        services = _create_tables(new, schemas)
        stored = pages.tables()
        result.list_damaged, result.total_pages, result.missing_pages = (
            bool(pages.damaged) or not stored,
            pages.pages,
            pages.absent(),
        )
        with contextlib.closing(_read_only(damaged_folder / database.name)) as old:
            result.incomplete_tables = [
                table for table in services if not _copy(old, pages, stored.get(table), new, table)
            ]
        _add_stray_rows(pages, stored, new, result.incomplete_tables)
        for table, service in services.items():
            (count,) = new.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608
            result.rows[service] = result.rows.get(service, 0) + count
            lost = "; the other rows are lost" if table in result.incomplete_tables else ""
            level = logging.ERROR if lost else logging.INFO
            log.log(level, "Salvage: %d rows of table %s were read%s", count, table, lost)
        new.commit()
        new.execute(f"PRAGMA user_version = {VERSION}")
    for part in _PARTS[1:]:
        database.with_name(database.name + part).unlink(missing_ok=True)
    draft.rename(database)
    sync_folder(database.parent)
    return result


def _require_known(database: Path) -> None:
    """Raise `CloudError` for the database of a newer release, whose tables this release does not know."""
    version = 0
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(_read_only(database)) as connection:
        version = version_of(connection)
    if version < _MAX_SCHEMA_VERSION:
        require_known(version, database)


def _preserve(file: Path, kept: Path) -> None:
    """Hard-link a file, or copy it if the file system has no hard links."""
    try:
        os.link(file, kept)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, kept)


def _create_tables(new: sqlite3.Connection, schemas: Mapping[str, str]) -> dict[str, str]:
    """Create the services' tables; return the service of each table."""
    services: dict[str, str] = {}
    for service, schema in schemas.items():
        for statement in statements(schema):
            new.execute(statement)
        for (table,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            if not table.startswith("sqlite_"):
                services.setdefault(table, service)
    return services


def _read_only(database: Path) -> sqlite3.Connection:
    """Open a database read-only.

    A missing or empty one is treated as a database without tables: opening it would make SQLite delete its log.
    """
    if not database.exists() or not database.stat().st_size:
        return sqlite3.connect(":memory:")
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)


def _copy(
    old: sqlite3.Connection, pages: DatabasePages, stored: StoredTable | None, new: sqlite3.Connection, table: str
) -> bool:
    """Copy a table's rows; return False if rows are known to be lost."""
    columns = _columns(new, table)
    try:
        _copy_whole(old, new, table, columns)
    except sqlite3.DatabaseError as error:
        if stored is None:  # never created, or lost with the schema table
            return True
        log.info("Salvage: SQLite cannot read table %s (%s); reading its pages individually.", table, error)
        pages.damaged = 0
        for names, row in pages.rows(stored):
            _insert_known(new, table, columns, names, row)
        return not pages.damaged
    return True


def _add_stray_rows(
    pages: DatabasePages, stored: Mapping[str, StoredTable], new: sqlite3.Connection, incomplete: Iterable[str]
) -> None:
    names = {stored[table]: table for table in incomplete}
    if not names:
        return
    columns = {table: _columns(new, table) for table in names.values()}
    for table, row in pages.stray_rows(stored.values(), names):
        _insert_known(new, names[table], columns[names[table]], table.columns, row)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [column[1] for column in connection.execute(f'PRAGMA table_info("{table}")')]


def _insert_known(
    new: sqlite3.Connection, table: str, columns: list[str], names: Iterable[str], row: Iterable[Value]
) -> None:
    """Insert the values of a row whose columns still exist."""
    known = {name: value for name, value in zip(names, row, strict=True) if name in columns}
    _insert(new, table, [*known], [[*known.values()]])


def _copy_whole(old: sqlite3.Connection, new: sqlite3.Connection, table: str, columns: list[str]) -> None:
    """Copy a table that SQLite can read; raises `sqlite3.DatabaseError` if it cannot."""
    there = _columns(old, table)
    names = [name for name in columns if name in there]
    if not names:
        raise sqlite3.DatabaseError("no such table")
    _insert(new, table, names, old.execute(f'SELECT {_joined_names(names)} FROM "{table}" NOT INDEXED'))  # noqa: S608


def _insert(new: sqlite3.Connection, table: str, names: list[str], rows: Iterable[Any]) -> None:
    """Insert rows, except those that already exist and those with a value that the damage has made invalid."""
    placeholders = ", ".join("?" * len(names))
    statement = f'INSERT OR IGNORE INTO "{table}" ({_joined_names(names)}) VALUES ({placeholders})'  # noqa: S608
    for row in rows:
        with contextlib.suppress(sqlite3.IntegrityError):
            new.execute(statement, row)


def _joined_names(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
