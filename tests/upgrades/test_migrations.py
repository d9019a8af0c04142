"""Migrations: each runs once and completely, only on tables that exist, and never on the folder of a newer release."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scones.cloud.core import migrations
from scones.cloud.core.migrations import MIGRATIONS, VERSION, Migration, migrate, version_of
from scones.cloud.core.salvage import damage_of, salvage
from scones.cloud.core.store import Store
from scones.cloud.errors import CloudError
from scones.cloud.process import lifecycle
from support.old_folder import opened

COLUMN = Migration(
    number=2,
    change="Items have a colour.",
    tables=("items",),
    statements=("ALTER TABLE items ADD COLUMN colour TEXT DEFAULT ';'",),
)
MOVE = Migration(
    number=3, change="Colours are in capitals.", tables=("items",), statements=("UPDATE items SET colour = 'RED'",)
)


@pytest.fixture
def released(monkeypatch):
    """Yield a function that replaces the migrations of this release."""

    def release(*given: Migration) -> None:
        monkeypatch.setattr(migrations, "MIGRATIONS", given)
        monkeypatch.setattr(migrations, "VERSION", given[-1].number)

    return release


@pytest.fixture
def old(tmp_path) -> Path:
    path = tmp_path / "old.sqlite"
    with opened(path) as connection:
        connection.execute("CREATE TABLE items (text TEXT)")
        connection.execute("INSERT INTO items VALUES ('kept')")
    return path


def rows(path: Path) -> list[tuple[object, ...]]:
    with opened(path) as connection:
        return connection.execute("SELECT * FROM items").fetchall()


def test_the_migrations_are_numbered_from_2_and_described():
    assert [migration.number for migration in MIGRATIONS] == [*range(2, VERSION + 1)]
    assert all(migration.change.endswith(".") and migration.tables for migration in MIGRATIONS)


async def test_a_migration_runs_once(old, released, tmp_path):
    released(COLUMN)
    for path in (old, old, tmp_path / "new.sqlite"):
        store = Store(path)
        assert store.row("PRAGMA user_version")[0] == 2
        assert store.row("PRAGMA foreign_keys")[0] == 1
        await store.close()
    assert rows(old) == [("kept", ";")]


async def test_a_table_that_the_folder_lacks_is_created_in_its_present_form(old, released):
    later = Migration(number=2, change="Others.", tables=("others",), statements=("ALTER TABLE others ADD b TEXT",))
    released(later)
    store = Store(old)
    await store.define("CREATE TABLE IF NOT EXISTS others (a TEXT, b TEXT)")
    await store.execute("INSERT INTO others VALUES ('a', 'b')")
    await store.close()
    assert rows(old) == [("kept",)]
    store = Store(old)  # the table has its present form, and is not altered now
    assert [tuple(row) for row in store.rows("SELECT * FROM others")] == [("a", "b")]
    await store.close()


def test_a_failed_migration_changes_nothing_and_names_the_backup(old, released):
    wrong = Migration(
        number=3, change="Wrong.", tables=("items",), statements=("DELETE FROM items", "ALTER TABLE items ADD text")
    )
    released(COLUMN, wrong)
    with opened(old) as connection, pytest.raises(CloudError, match=r"to version 3 \(duplicate .* used before"):
        migrate(connection, old)
    assert rows(old) == [("kept", ";")]
    released(COLUMN, MOVE)
    with opened(old) as connection:
        assert version_of(connection) == 2
        migrate(connection, old)
    assert rows(old) == [("kept", "RED")]


KILLED = """
import os, pathlib, signal, sqlite3, sys
from scones.cloud.core import migrations
from scones.cloud.core.migrations import Migration, migrate

migrations.MIGRATIONS = (
    Migration(number=2, change="", tables=("items",), statements=("ALTER TABLE items ADD colour DEFAULT ';'",)),
    Migration(number=3, change="", tables=("items",), statements=("DELETE FROM items", "SELECT die()")),
)
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
migrate(connection, pathlib.Path(sys.argv[1]))
"""


def test_a_kill_during_a_migration_loses_nothing(old, released):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(old)], timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert rows(old) == [("kept", ";")]
    released(COLUMN, MOVE)
    with opened(old) as connection:
        assert version_of(connection) == 2
        migrate(connection, old)
    assert rows(old) == [("kept", "RED")]


def test_a_table_that_is_replaced_keeps_the_rows_that_refer_to_it(tmp_path, released):
    replace = (
        "CREATE TABLE new_owners (name TEXT PRIMARY KEY, born INTEGER)",
        "INSERT INTO new_owners (name) SELECT name FROM owners",
        "DROP TABLE owners",
        "ALTER TABLE new_owners RENAME TO owners",
    )
    released(Migration(number=2, change="Owners are born.", tables=("owners",), statements=replace))
    with opened(tmp_path / "d.sqlite") as connection:
        connection.executescript(
            "PRAGMA foreign_keys = ON; CREATE TABLE owners (name TEXT PRIMARY KEY);"
            "CREATE TABLE pets (owner TEXT REFERENCES owners(name) ON DELETE CASCADE);"
            "INSERT INTO owners VALUES ('ana'); INSERT INTO pets VALUES ('ana')"
        )
        migrate(connection, tmp_path / "d.sqlite")
        assert connection.execute("SELECT * FROM pets").fetchall() == [("ana",)]
        connection.execute("DELETE FROM owners")
        assert connection.execute("SELECT * FROM pets").fetchall() == []


def test_a_folder_of_a_newer_release_is_rejected_and_unchanged(start_cloud):
    cloud = start_cloud()
    lifecycle.stop(cloud.data_dir)
    database = cloud.data_dir / "cloud.sqlite"
    with opened(database) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = database.read_bytes()
    for recover in (False, True):
        with pytest.raises(CloudError, match=r"newer release of Scones \(schema version 99.*update Scones, or specify"):
            start_cloud(recover=recover)
        assert database.read_bytes() == before


def test_a_damaged_database_of_a_newer_release_is_not_salvaged(tmp_path):
    database = tmp_path / "cloud.sqlite"
    with opened(database) as connection:
        connection.executescript(
            "PRAGMA user_version = 99; CREATE TABLE items (text TEXT); INSERT INTO items VALUES ('lost')"
        )
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    assert damage_of(database)
    with pytest.raises(CloudError, match="newer release of Scones"):
        salvage(database, {"one": "CREATE TABLE items (text TEXT)"})
    assert [path.name for path in tmp_path.iterdir()] == ["cloud.sqlite"]


def test_aliases_of_executions_move_from_their_table_into_a_column():
    with opened(":memory:") as connection:
        connection.executescript(
            "CREATE TABLE sfn_executions (id INTEGER PRIMARY KEY, machine TEXT, version TEXT, status TEXT);"
            "CREATE TABLE sfn_execution_aliases (execution INTEGER PRIMARY KEY, alias TEXT NOT NULL);"
            "INSERT INTO sfn_executions (id) VALUES (1), (2);"
            "INSERT INTO sfn_execution_aliases VALUES (2, 'live')"
        )
        migrate(connection, Path("memory"))
        assert connection.execute("SELECT id, alias FROM sfn_executions").fetchall() == [(1, None), (2, "live")]
