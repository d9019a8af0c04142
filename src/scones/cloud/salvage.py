"""Copying what can be read of a damaged database into a new one; the damaged one is kept."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scones.cloud.data_folder import lost_database
from scones.cloud.store import statements

log = logging.getLogger(__name__)

PROBES = 10_000
"""The most attempts to find readable rows of a table behind a damaged page."""
_WAL_PAGE_SIZE = slice(8, 12)
"""Position of the page size in the header of a write-ahead log (sqlite.org/fileformat2.html, section 4.1)."""
_PARTS = ("", "-wal", "-shm", "-mark")


def damage_of(database: Path) -> str:
    """Return what SQLite finds wrong with a database, or ""; it reads all of it, and changes nothing."""
    if not database.exists() or not database.stat().st_size:
        return lost_database(database.parent)
    try:
        with contextlib.closing(_read_only(database)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(line for text in found for line in text.splitlines())


def salvage(database: Path, schemas: Iterable[str]) -> Path:
    """Move a database aside and make a new one with the rows that can be read; return the folder of the old one."""
    aside = database.with_name(f"{database.name}-damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    aside.mkdir(mode=0o700)
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            database.with_name(database.name + part).rename(aside / (database.name + part))
    _restore_first_page(aside / database.name)
    with (
        contextlib.closing(_read_only(aside / database.name)) as old,
        contextlib.closing(sqlite3.connect(database)) as new,
    ):
        for schema in schemas:
            for statement in statements(schema):
                new.execute(statement)
        tables = [name for (name,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if not table.startswith("sqlite_"):
                _copy(old, new, table)
        new.commit()
    return aside


def _restore_first_page(database: Path) -> None:
    """Put an empty page in a lost database's place: SQLite reads a write-ahead log only where there is one."""
    log = database.with_name(f"{database.name}-wal")
    if database.exists() and database.stat().st_size:
        return
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        size = int.from_bytes(file.read(_WAL_PAGE_SIZE.stop)[_WAL_PAGE_SIZE], "big")
        database.write_bytes(bytes(min(size, 65_536)))
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)  # it is made anew
    database.touch()


def _read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    columns = [column[1] for column in new.execute(f'PRAGMA table_info("{table}")')]
    try:
        there = [column[1] for column in old.execute(f'PRAGMA table_info("{table}")')]
    except sqlite3.DatabaseError as error:
        log.error("Salvage: nothing of the table %s can be read: %s", table, error)
        return
    shared = [name for name in columns if name in there]
    if not shared:
        return
    names = ", ".join(f'"{name}"' for name in shared)
    insert = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({", ".join("?" * len(shared))})'  # noqa: S608
    reading = _Reading(old, table, names)
    for row in reading.rows():
        with contextlib.suppress(sqlite3.IntegrityError):  # a value that the damage has made impossible
            new.execute(insert, row)
    (count,) = new.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608
    if reading.damage:
        log.error("Salvage: %d rows of the table %s are read, others are lost: %s", count, table, reading.damage)
    elif count:
        log.info("Salvage: all %d rows of the table %s are read", count, table)


class _Reading:
    """The rows of a damaged table: from its start up to the damage, from its end, and what is found in between."""

    def __init__(self, old: sqlite3.Connection, table: str, names: str) -> None:
        self._old = old
        self._table = table
        self._names = names
        self.damage = ""

    def rows(self) -> Iterator[tuple[Any, ...]]:
        key = self._key()
        if key is None:
            yield from self._scan("")
            return
        yield from self._scan(f"ORDER BY {key}")
        if not self.damage:
            return
        yield from self._scan("ORDER BY " + ", ".join(f"{part} DESC" for part in key.split(", ")))
        if key == "rowid":
            yield from self._between()

    def _key(self) -> str | None:
        """Return `rowid`, or the primary key of a table without row ids, or None where neither can be read."""
        try:
            self._old.execute(f'SELECT rowid FROM "{self._table}" LIMIT 0')  # noqa: S608
        except sqlite3.OperationalError:
            found = self._old.execute(f'PRAGMA table_info("{self._table}")').fetchall()
            keys = sorted((column[5], column[1]) for column in found if column[5])
            return ", ".join(f'"{name}"' for _, name in keys)
        except sqlite3.DatabaseError:
            return None
        return "rowid"

    def _scan(self, order: str, *parameters: Any, where: str = "", more: bool = False) -> Iterator[tuple[Any, ...]]:
        names = f"rowid, {self._names}" if more else self._names
        try:
            yield from self._old.execute(
                f'SELECT {names} FROM "{self._table}" {where} {order}',  # noqa: S608
                parameters,
            )
        except sqlite3.DatabaseError as error:
            self.damage = str(error)

    def _between(self) -> Iterator[tuple[Any, ...]]:
        """Jump over damaged pages: wider after each failure, from one again after a row was found."""
        position, step = self._edge("rowid"), 1
        last = self._edge("rowid DESC")
        for _ in range(PROBES):
            position += step
            if position >= last:
                return
            found = False
            for number, *row in self._scan("ORDER BY rowid LIMIT 1000", position, where="WHERE rowid >= ?", more=True):
                found, position = True, number
                yield tuple(row)
            step = 1 if found else 2 * step

    def _edge(self, order: str) -> int:
        """Return the last row id that a scan in an order reaches before the damage."""
        edge = 0
        with contextlib.suppress(sqlite3.DatabaseError):
            for (edge,) in self._old.execute(f'SELECT rowid FROM "{self._table}" ORDER BY {order}'):  # noqa: S608, B007
                pass
        return edge
