"""The store: group commit, order of writes, and failed writes that roll back only their own changes."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from scones.cloud.core.store import Store


@pytest.fixture
async def store(tmp_path):
    store = Store(tmp_path / "store.sqlite")
    await store.define("CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, text TEXT UNIQUE)")
    yield store
    await store.close()


async def test_a_write_is_visible_once_it_has_returned(store):
    assert await store.execute("INSERT INTO items (text) VALUES (?)", "a") == 1
    assert store.row("SELECT text FROM items")["text"] == "a"


async def test_writes_keep_the_order_of_their_submission(store):
    futures = [
        store.submit(lambda connection, n=n: connection.execute("INSERT INTO items (text) VALUES (?)", (str(n),)))
        for n in range(2000)
    ]
    await asyncio.gather(*futures)
    assert [row["text"] for row in store.rows("SELECT text FROM items ORDER BY id")] == [str(n) for n in range(2000)]


async def test_a_failing_write_undoes_only_itself(store):
    def half(connection):
        connection.execute("INSERT INTO items (text) VALUES ('half')")
        raise KeyError("stop")

    first = store.submit(lambda connection: connection.execute("INSERT INTO items (text) VALUES ('first')"))
    failing = store.submit(half)
    double = store.submit(lambda connection: connection.execute("INSERT INTO items (text) VALUES ('first')"))
    last = store.submit(lambda connection: connection.execute("INSERT INTO items (text) VALUES ('last')"))
    outcomes = await asyncio.gather(first, failing, double, last, return_exceptions=True)
    assert isinstance(outcomes[1], KeyError)
    assert isinstance(outcomes[2], sqlite3.IntegrityError)
    assert [row["text"] for row in store.rows("SELECT text FROM items ORDER BY id")] == ["first", "last"]


async def test_closing_finishes_submitted_writes(tmp_path):
    store = Store(tmp_path / "closing.sqlite")
    await store.define("CREATE TABLE items (n INTEGER)")
    futures = [store.submit(lambda c, n=n: c.execute("INSERT INTO items VALUES (?)", (n,))) for n in range(100)]
    await store.close()
    await asyncio.gather(*futures)
    with sqlite3.connect(tmp_path / "closing.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (100,)
    connection.close()
