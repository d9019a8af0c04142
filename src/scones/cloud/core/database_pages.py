"""Reader of rows from the undamaged pages of a damaged SQLite database.

SQLite stops reading a table at its first damaged page, and a whole database if its header or its schema table is
damaged. This module reads each page separately: only the content of damaged pages is lost. The format is described in
sqlite.org/fileformat2.html. Pages in the write-ahead log take precedence over those of the database file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

Value = int | float | str | bytes | None
RecordShape = tuple[tuple[type, ...], ...]

PAGE_SIZE = 4096
"""Page size in bytes if no header states it: SQLite's default."""
_PAGE_SIZES = frozenset(2**power for power in range(9, 17))
_HEADER = 100
"""Size in bytes of the database header, which precedes the content of page 1."""
_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""Byte order of a write-ahead log's checksums, by the log's magic number."""
_WAL_HEADER = struct.Struct(">8I")
_WAL_FRAME = struct.Struct(">6I")
_TABLE_LEAF, _TABLE_INTERIOR, _INDEX_LEAF, _INDEX_INTERIOR = 13, 5, 10, 2
_INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8)
"""Size of an integer in bytes, by its serial type."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of a damaged database: its root page, and its columns in the order of the stored fields.

    `row_id` is the column that is an alias for the row id, or "". `by_key` is True for a table WITHOUT ROWID. `shape`
    has the possible Python types of each column.
    """

    root: int
    columns: tuple[str, ...]
    row_id: str
    by_key: bool
    shape: RecordShape


class DatabasePages:
    """The pages of a damaged database and its write-ahead log; a context manager."""

    def __init__(self, database: Path) -> None:
        self._files = contextlib.ExitStack()
        self._main = self._open(database)
        self._log = self._open(database.with_name(f"{database.name}-wal"))
        self._size, declared = self._header()
        self._frames = self._committed_frames()
        self._in_file = os.fstat(self._main).st_size // self._size if self._main is not None else 0
        self.pages = max(self._in_file, declared, *self._frames, 0)
        """Number of pages that the database had before the damage; a damaged header can state any number."""
        self._visited: set[int] = set()
        self._indexes: list[RecordShape] = []
        self.damaged = 0
        """Number of damaged pages and cells read since this was last set to 0."""

    def __enter__(self) -> DatabasePages:
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def absent(self) -> int:
        """Return the number of pages that are neither in the database file nor in its log."""
        return self.pages - self._in_file - sum(number > self._in_file for number in self._frames)

    def _present(self) -> Iterator[int]:
        """Yield the numbers of the pages that exist, without the first."""
        yield from range(2, self._in_file + 1)
        yield from sorted(number for number in self._frames if number > max(1, self._in_file))

    def tables(self) -> dict[str, StoredTable]:
        """Return the tables by name; if page 1 is damaged, all pages are searched for entries of the schema table."""
        listed = [*self._records(1, index=False)]
        self._visited.clear()
        if self.damaged or not listed:
            listed += [
                record
                for number in self._present()
                if self._page(number)[:1] == bytes([_TABLE_LEAF])
                for record in self._cells(number, index=False)[0]
            ]
        roots: dict[str, int] = {}
        schema: dict[str, str] = {}
        for _, fields in listed:
            match fields:
                case [("table" | "index") as kind, str(name), str(), int(root), str(sql)] if name not in schema:
                    schema[name] = sql
                    if kind == "table":
                        roots[name] = root
        tables, self._indexes = _layout(roots, schema)
        return tables

    def rows(self, table: StoredTable) -> Iterator[tuple[tuple[str, ...], list[Value]]]:
        """Yield the columns and values of each readable row of a table."""
        for row_id, fields in self._records(table.root, index=table.by_key):
            if len(fields) > len(table.columns):
                self.damaged += 1
                continue
            columns = table.columns[: len(fields)]  # older records lack columns that were added later
            if table.row_id in columns:
                fields[columns.index(table.row_id)] = row_id
            yield columns, fields

    def stray_rows(
        self, tables: Iterable[StoredTable], incomplete: Container[StoredTable]
    ) -> Iterator[tuple[StoredTable, list[Value]]]:
        """Yield rows of incomplete tables from pages that no interior page refers to any more.

        A page belongs to a table if its records fit the columns of that table, of no other table and of no index. If
        the freelist is lost as well, pages that were freed earlier cannot be distinguished from lost ones.
        """
        tables = [*tables]
        free = self._free_pages()
        for number in self._present():
            kind = self._page(number)[:1]
            index = kind in (bytes([_INDEX_LEAF]), bytes([_INDEX_INTERIOR]))
            if number in self._visited or number in free or not (index or kind == bytes([_TABLE_LEAF])):
                continue
            records = self._cells(number, index=index)[0]
            fitting = [table for table in tables if table.by_key == index and _fits_all(table.shape, records)]
            if len(fitting) != 1 or fitting[0] not in incomplete:
                continue
            if index and any(_fits_all(shape, records) for shape in self._indexes):
                continue
            self._visited.add(number)
            for row_id, fields in records:
                if fitting[0].row_id:
                    fields[fitting[0].columns.index(fitting[0].row_id)] = row_id
                yield fitting[0], fields

    def _free_pages(self) -> set[int]:
        """Return the free pages, as far as the freelist can be read (section 1.5 of the format)."""
        free: set[int] = set()
        trunk = int.from_bytes(self._page(1)[32:36], "big")
        while len(page := self._page(trunk)) == self._size and trunk not in free:
            count = min(int.from_bytes(page[4:8], "big"), self._size // 4 - 2)
            free |= {trunk, *struct.unpack_from(f">{count}I", page, 8)}
            trunk = int.from_bytes(page[:4], "big")
        return free

    def _open(self, path: Path) -> int | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        self._files.callback(os.close, descriptor)
        return descriptor

    def _header(self) -> tuple[int, int]:
        """Return the page size and the number of pages; the number is 0 if it is unknown."""
        header = os.pread(self._main, _HEADER, 0) if self._main is not None else b""
        if header.startswith(b"SQLite format 3\0") and len(header) == _HEADER:
            size, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
            size = 65_536 if size == 1 else size
            if size in _PAGE_SIZES:
                return size, pages
        log = os.pread(self._log, _WAL_HEADER.size, 0) if self._log is not None else b""
        size = int.from_bytes(log[8:12], "big")
        return (size if size in _PAGE_SIZES else PAGE_SIZE), 0

    def _committed_frames(self) -> dict[int, int]:
        """Return the offset in the log of each page that SQLite would read from the log."""
        found: dict[int, int] = {}
        header = os.pread(self._log, _WAL_HEADER.size, 0) if self._log is not None else b""
        if self._log is None or len(header) < _WAL_HEADER.size:
            return found
        magic, _, size, _, *salts, one, other = _WAL_HEADER.unpack(header)
        order = _WAL_MAGIC.get(magic)
        if order is None or size != self._size or _checksum(header[:24], order, (0, 0)) != (one, other):
            return found
        pending: dict[int, int] = {}
        sums, position = (one, other), _WAL_HEADER.size
        while len(frame := os.pread(self._log, _WAL_FRAME.size + size, position)) == _WAL_FRAME.size + size:
            number, commits, *rest = _WAL_FRAME.unpack_from(frame)
            sums = _checksum(frame[:8], order, sums)
            sums = _checksum(frame[_WAL_FRAME.size :], order, sums)
            if rest != [*salts, *sums]:
                break
            pending[number] = position + _WAL_FRAME.size
            position += len(frame)
            if commits:
                found |= pending
                pending.clear()
        return found

    def _page(self, number: int) -> bytes:
        """Return a page, or the part of it that exists."""
        if number in self._frames and self._log is not None:
            return os.pread(self._log, self._size, self._frames[number])
        if self._main is None or not 0 < number <= self.pages:
            return b""
        return os.pread(self._main, self._size, (number - 1) * self._size)

    def _records(self, root: int, *, index: bool) -> Iterator[tuple[int, list[Value]]]:
        """Yield the row id and the fields of each record in a b-tree."""
        waiting = [root]
        while waiting:
            number = waiting.pop()
            if number in self._visited:
                continue
            self._visited.add(number)
            records, children = self._cells(number, index=index)
            yield from records
            waiting += reversed(children)

    def _cells(self, number: int, *, index: bool) -> tuple[list[tuple[int, list[Value]]], list[int]]:
        """Return the records of one page with their row ids, and the numbers of its child pages."""
        page, start = self._page(number), _HEADER if number == 1 else 0
        kind = page[start] if len(page) == self._size else 0
        leaf, interior = (_INDEX_LEAF, _INDEX_INTERIOR) if index else (_TABLE_LEAF, _TABLE_INTERIOR)
        if kind not in (leaf, interior):
            self.damaged += 1
            return [], []
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        first = start + (8 if kind == leaf else 12)
        offsets = struct.unpack_from(f">{min(count, (self._size - first) // 2)}H", page, first)
        records: list[tuple[int, list[Value]]] = []
        children: list[int] = []
        for offset in offsets:
            try:
                if kind == interior:
                    children.append(_integer(page, offset, 4))
                    offset += 4
                if kind != _TABLE_INTERIOR:
                    records.append(self._record(page, offset, index=index))
            except (ValueError, IndexError):
                self.damaged += 1
        if kind == interior:
            children.append(_integer(page, start + 8, 4))
        return records, children

    def _record(self, page: bytes, offset: int, *, index: bool) -> tuple[int, list[Value]]:
        length, offset = _varint(page, offset)
        row_id = 0
        if not index:
            row_id, offset = _varint(page, offset)
        return row_id, _fields(self._payload(page, offset, length, index=index))

    def _payload(self, page: bytes, offset: int, length: int, *, index: bool) -> bytes:
        """Return a record's bytes, including those on overflow pages (section 1.6 of the format)."""
        if not 0 < length <= self.pages * self._size:
            raise ValueError("invalid payload length")
        most = (self._size - 12) * 64 // 255 - 23 if index else self._size - 35
        if length <= most:
            return page[offset : offset + length]
        least = (self._size - 12) * 32 // 255 - 23
        local = least + (length - least) % (self._size - 4)
        local = local if local <= most else least
        parts, missing = [page[offset : offset + local]], length - local
        following = _integer(page, offset + local, 4)
        while missing > 0:
            overflow = self._page(following)
            if len(overflow) < self._size:
                raise ValueError("an overflow page is missing")
            parts.append(overflow[4 : 4 + missing])
            missing -= len(parts[-1])
            following = _integer(overflow, 0, 4)
        return b"".join(parts)


def _layout(roots: dict[str, int], schema: dict[str, str]) -> tuple[dict[str, StoredTable], list[RecordShape]]:
    """Return the storage layout of the tables and the shapes of all indexes, from root pages and CREATE statements."""
    tables: dict[str, StoredTable] = {}
    indexes: list[RecordShape] = []
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for name in sorted(schema, key=lambda name: name not in roots):
            if schema[name].startswith("CREATE "):
                with contextlib.suppress(sqlite3.Error):  # a damaged statement
                    connection.execute(schema[name])
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if name in roots:
                tables[name] = _stored_table(connection, name, roots[name])
                indexes += _index_shapes(connection, name, tables[name])
    return tables, indexes


def _stored_table(connection: sqlite3.Connection, name: str, root: int) -> StoredTable:
    columns = {column[1]: column for column in connection.execute(f'PRAGMA table_info("{name}")')}
    keys = sorted((column[5], key) for key, column in columns.items() if column[5])
    try:
        connection.execute(f'SELECT rowid FROM "{name}"')  # noqa: S608
        by_key, order = False, [*columns]
    except sqlite3.OperationalError:
        by_key, order = True, [key for _, key in keys]
        order += [column for column in columns if column not in order]
    is_only_column = keys[0][1] if len(keys) == 1 and not by_key else ""
    row_id = is_only_column if is_only_column and columns[is_only_column][2].upper() == "INTEGER" else ""
    shape = tuple((type(None),) if column == row_id else _types(*columns[column][2:4]) for column in order)
    return StoredTable(root, tuple(order), row_id, by_key, shape)


def _index_shapes(connection: sqlite3.Connection, name: str, table: StoredTable) -> Iterator[RecordShape]:
    types = dict(zip(table.columns, table.shape, strict=True)) | ({table.row_id: (int,)} if table.row_id else {})
    for index in connection.execute(f'PRAGMA index_list("{name}")').fetchall():
        if table.by_key and index[3] == "pk":  # its index is the table itself
            continue
        found = connection.execute(f'PRAGMA index_xinfo("{index[1]}")').fetchall()
        yield tuple(types.get(column[2], (int, float, str, bytes, type(None))) for column in found)


def _types(declared: str, required: int) -> tuple[type, ...]:
    """Return the Python types of a column's values, by its declared type."""
    types: dict[str, tuple[type, ...]] = {"INTEGER": (int,), "REAL": (int, float), "TEXT": (str,), "BLOB": (bytes,)}
    found = types.get(declared.upper(), (int, float, str, bytes))
    return found if required else (*found, type(None))


def _fits_all(shape: RecordShape, records: list[tuple[int, list[Value]]]) -> bool:
    """Return True if there are records and all of them fit a shape."""
    return bool(records) and all(
        len(fields) == len(shape) and all(map(isinstance, fields, shape)) for _, fields in records
    )


def _integer(content: bytes, offset: int, size: int) -> int:
    if offset + size > len(content):
        raise ValueError("an integer is truncated")
    return int.from_bytes(content[offset : offset + size], "big")


def _varint(content: bytes, offset: int) -> tuple[int, int]:
    """Return an integer of one to nine bytes, and the offset after it."""
    value = 0
    for position in range(offset, offset + 8):
        byte = content[position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position + 1
    value = value << 8 | content[offset + 8]
    return (value - 2**64 if value >= 2**63 else value), offset + 9


def _fields(record: bytes) -> list[Value]:
    """Return a record's values (section 2.1 of the format); raises `ValueError` or `IndexError` if it is damaged."""
    header, position = _varint(record, 0)
    kinds = []
    while position < header:
        kind, position = _varint(record, position)
        kinds.append(kind)
    fields: list[Value] = []
    for kind in kinds:
        size = 8 if kind == 7 else _INTEGER_SIZES[kind] if 0 <= kind <= 6 else max(0, (kind - 12) // 2)
        content = record[position : position + size]
        if len(content) != size or kind < 0 or kind in (10, 11):
            raise ValueError("a value is damaged")
        fields.append(_value(kind, content))
        position += size
    if position != len(record):
        raise ValueError("a record has trailing bytes")
    return fields


def _value(kind: int, content: bytes) -> Value:
    if kind == 0:
        return None
    if kind <= 6:
        return int.from_bytes(content, "big", signed=True)
    if kind == 7:
        number: float = struct.unpack(">d", content)[0]
        return number
    if kind in (8, 9):
        return kind - 8
    return content.decode() if kind % 2 else content


def _checksum(content: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """Continue the checksum of a write-ahead log (section 4.2 of the format)."""
    one, other = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + other) & 0xFFFFFFFF
        other = (other + odd + one) & 0xFFFFFFFF
    return one, other
