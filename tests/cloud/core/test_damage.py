"""Damaged databases: losses are reported, damaged files are kept, and undamaged databases cause no warning."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from scones.cloud.core.commit_mark import require_same_age
from scones.cloud.core.database_pages import DatabasePages
from scones.cloud.core.salvage import salvage
from scones.cloud.core.store import Store, statements
from scones.cloud.errors import CloudError
from scones.cloud.process import lifecycle


def killed_cloud(start_cloud, groups: int = 30):
    """Return a killed cloud whose log groups exist only in the write-ahead log."""
    cloud = start_cloud()
    logs = cloud.client("logs")
    for number in range(groups):
        logs.create_log_group(logGroupName=f"/group/{number:02}")
    cloud.kill()
    return cloud


def damage_the_middle(log: Path) -> None:
    content = bytearray(log.read_bytes())
    content[len(content) * 3 // 4] ^= 0xFF
    log.write_bytes(content)


def cut_off(log: Path) -> None:
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size * 3 // 4)


def overwrite_the_header(log: Path) -> None:
    with log.open("r+b") as file:
        file.write(b"\0" * 32)


@pytest.mark.parametrize("damage", [damage_the_middle, cut_off, overwrite_the_header])
def test_a_damaged_log_is_reported_and_kept(start_cloud, damage):
    cloud = killed_cloud(start_cloud)
    log = cloud.data_dir / "cloud.sqlite-wal"
    damage(log)
    damaged = log.read_bytes()
    again = start_cloud()
    text = (again.data_dir / "cloud.log").read_text()
    assert "cloud.sqlite-wal is damaged" in text
    (kept,) = again.data_dir.glob("cloud.sqlite-wal-damaged-*")
    assert kept.name in text
    assert kept.read_bytes() == damaged
    groups = again.client("logs").describe_log_groups()["logGroups"]
    names = [group["logGroupName"] for group in groups]
    assert names == [f"/group/{number:02}" for number in range(len(names))]
    assert len(names) < 30


def test_a_missing_log_is_reported(start_cloud):
    cloud = killed_cloud(start_cloud)
    (cloud.data_dir / "cloud.sqlite-wal").unlink()
    assert "cloud.sqlite-wal is missing" in (start_cloud().data_dir / "cloud.log").read_text()


def test_kills_and_stops_are_not_reported_as_damage(start_cloud):
    for number in range(3):
        cloud = start_cloud()
        cloud.client("logs").create_log_group(logGroupName=f"/round/{number}")
        cloud.kill()
    lifecycle.stop(start_cloud().data_dir)
    assert not (cloud.data_dir / "cloud.sqlite-mark").exists()
    again = start_cloud()
    assert "ERROR" not in (again.data_dir / "cloud.log").read_text()
    assert len(again.client("logs").describe_log_groups()["logGroups"]) == 3


async def test_a_restarted_log_is_not_reported_as_damage(tmp_path):
    path = tmp_path / "store.sqlite"
    store = Store(path)
    await store.define("CREATE TABLE items (text TEXT)")
    for _ in range(60):
        await store.execute("INSERT INTO items VALUES (?)", "x" * 100_000)  # 25 pages; the log restarts after 1,000
    copies = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
    await store.close()
    other = tmp_path / "killed"
    other.mkdir()
    for name, content in copies.items():
        (other / name).write_bytes(content)
    killed = Store(other / path.name)
    assert killed.damage == ""
    assert killed.rows("SELECT count(*) AS n FROM items")[0]["n"] == 60
    await killed.close()


async def generations(folder: Path) -> list[Path]:
    """Return copies of a store's folder: three while it is open, each with a newer log, and one after closing."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs
    store = Store(folder / "cloud.sqlite")
    await store.define("CREATE TABLE items (text TEXT)")
    copies = []
    for number in range(3):
        for _ in range(3 if number == 0 else 60):
            await store.execute("INSERT INTO items VALUES (?)", "x" * 100_000)  # 25 pages; the log restarts after 1,000
        copies.append(Path(shutil.copytree(folder, folder.with_name(f"log-{number}"))))
    await store.close()
    return [*copies, folder]


async def test_a_database_and_a_log_of_different_ages_are_rejected(tmp_path):
    copies = await generations(tmp_path / "store")
    for one, database in enumerate(copies):
        for other, log in enumerate(copies[:3]):
            mixed = tmp_path / f"{one}-{other}"
            mixed.mkdir()
            shutil.copy(database / "cloud.sqlite", mixed)
            shutil.copy(log / "cloud.sqlite-wal", mixed)
            if (mark := copies[max(one, other)] / "cloud.sqlite-mark").exists():
                shutil.copy(mark, mixed)
            if one == other or (one == 3 and other == 2):
                require_same_age(mixed / "cloud.sqlite")
                continue
            with pytest.raises(CloudError, match="do not belong together: one is older than the other"):
                require_same_age(mixed / "cloud.sqlite")
            assert (mixed / "cloud.sqlite-wal").read_bytes() == (log / "cloud.sqlite-wal").read_bytes()


def test_an_older_database_starts_without_the_newer_log(start_cloud, tmp_path):
    cloud = start_cloud()
    cloud.client("logs").create_log_group(logGroupName="/kept")
    lifecycle.stop(cloud.data_dir)
    database, log = (cloud.data_dir / name for name in ("cloud.sqlite", "cloud.sqlite-wal"))
    older = database.read_bytes()
    again = start_cloud()
    logs = again.client("logs")
    logs.create_log_stream(logGroupName="/kept", logStreamName="large")
    for _ in range(12):
        events = [{"timestamp": int(time.time() * 1000), "message": "x" * 200_000} for _ in range(5)]
        logs.put_log_events(logGroupName="/kept", logStreamName="large", logEvents=events)
    again.kill()
    newer, content = database.read_bytes(), log.read_bytes()
    database.write_bytes(older)
    for recover in (False, True):
        with pytest.raises(CloudError, match="move cloud.sqlite-wal and .*-mark away"):
            start_cloud(recover=recover)
    assert log.read_bytes() == content
    database.write_bytes(newer)
    assert len(start_cloud().client("logs").describe_log_streams(logGroupName="/kept")["logStreams"]) == 1
    lifecycle.stop(cloud.data_dir)
    database.write_bytes(older)
    assert start_cloud().client("logs").describe_log_streams(logGroupName="/kept")["logStreams"] == []


def test_a_file_that_is_not_a_database_is_reported_with_advice(start_cloud):
    cloud = start_cloud()
    lifecycle.stop(cloud.data_dir)
    (cloud.data_dir / "cloud.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(CloudError, match=r"cloud\.sqlite cannot be read .*scones up --recover"):
        start_cloud()


def test_sql_scripts_are_split_at_the_ends_of_statements():
    script = "CREATE TABLE a (b TEXT DEFAULT ';'); -- one; comment\nCREATE INDEX c ON a (b)\n;\n"
    assert len(statements(script)) == 2


def large_database(start_cloud) -> Path:
    """Return the database of a stopped cloud; it contains 2,000 messages."""
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    queue = sqs.create_queue(QueueName="large")["QueueUrl"]
    for batch in range(200):
        entries = [{"Id": str(number), "MessageBody": f"{batch} {number} " + "x" * 1000} for number in range(10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    cloud.client("logs").create_log_group(logGroupName="/kept")
    lifecycle.stop(cloud.data_dir)
    return cloud.data_dir / "cloud.sqlite"


def leaf_page_offset(database: Path, table: str, share: float) -> int:
    """Return the byte offset of one of a table's leaf pages: the first for `share` 0.0, the middle one for 0.5."""
    connection = sqlite3.connect(database)
    pages = connection.execute(
        "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,)
    ).fetchall()
    connection.close()
    return (pages[int(len(pages) * share)][0] - 1) * 4096


def test_recover_salvages_what_can_be_read_and_keeps_the_damaged_database(start_cloud):
    database = large_database(start_cloud)
    with database.open("r+b") as file:
        file.seek(leaf_page_offset(database, "sqs_messages", 0.5))
        file.write(b"\xff" * 4096)
    damaged = database.read_bytes()
    cloud = start_cloud(recover=True)
    (damaged_folder,) = cloud.data_dir.glob("cloud.sqlite-damaged-*")
    assert (damaged_folder / "cloud.sqlite").read_bytes() == damaged
    assert "rows of table sqs_messages were read; the other rows are lost" in (cloud.data_dir / "cloud.log").read_text()
    assert cloud.client("logs").describe_log_groups()["logGroups"][0]["logGroupName"] == "/kept"
    url = cloud.client("sqs").get_queue_url(QueueName="large")["QueueUrl"]
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert 1900 < int(attributes["ApproximateNumberOfMessages"]) < 2000
    lifecycle.stop(cloud.data_dir)
    assert start_cloud().running.healthy()


def test_a_damaged_page_is_reported_with_advice_when_a_request_reads_it(start_cloud):
    database = large_database(start_cloud)
    with database.open("r+b") as file:
        for share in (0.0, 0.5):
            file.seek(leaf_page_offset(database, "sqs_messages", share))
            file.write(b"\xff" * 4096)
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="large")["QueueUrl"]
    with pytest.raises(ClientError, match="InternalFailure"):
        sqs.delete_queue(QueueUrl=url)
    assert re.match(r"cloud.sqlite is damaged \(.*`scones up --recover`", cloud.running.state()["damage"])


def cut_in_half(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def garble_the_header(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(os.urandom(100))


def garble_the_first_page(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(os.urandom(4096))


@pytest.mark.parametrize("damage", [cut_in_half, garble_the_header, garble_the_first_page])
def test_recover_salvages_a_database_that_sqlite_does_not_open(start_cloud, damage):
    database = large_database(start_cloud)
    damage(database)
    reported = command("up", "--detach", "--recover", "--port", "0", "--data-dir", str(database.parent))
    assert reported.returncode == 0, reported.stderr
    (output,) = re.findall(r"Warning: cloud.sqlite was damaged.*", reported.stderr)
    lifecycle.stop(database.parent)
    cloud = start_cloud()
    assert cloud.client("logs").describe_log_groups()["logGroups"][0]["logGroupName"] == "/kept"
    url = cloud.client("sqs").get_queue_url(QueueName="large")["QueueUrl"]
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    found = int(attributes["ApproximateNumberOfMessages"])
    if damage is cut_in_half:
        assert re.search(r"\d+ of its \d+ pages are missing", output)
        assert "Some rows of sqs_messages are lost" in output
        assert 800 < found < 1200
    else:
        assert f"sqs {found + 1:,}" in output  # the messages and the queue
        assert found == 2000
    (damaged_folder,) = cloud.data_dir.glob("cloud.sqlite-damaged-*")
    assert f"kept in {damaged_folder.name}" in output


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from scones.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def random_rows(count: int) -> list[tuple[object, ...]]:
    values = random.Random(7)
    return [
        (
            number * 7919 % 100_003,
            values.choice([None, 0, 1, -5, 2**40, -(2**62)]),
            values.random() * 1e9,
            "é" * values.randrange(200),
            values.randbytes(values.choice([0, 10, 3000, 20_000])),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("page_size", [512, 4096, 65_536])
def test_rows_are_read_from_pages_as_sqlite_reads_them(tmp_path, page_size):
    path = tmp_path / "pages.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        f"PRAGMA page_size = {page_size}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 50;"
        "CREATE TABLE by_row (id INTEGER PRIMARY KEY, a, b REAL, c TEXT, d BLOB);"
        "CREATE TABLE by_key (a, d BLOB, c TEXT, b REAL, id INTEGER, PRIMARY KEY (c, id)) WITHOUT ROWID;"
    )
    for row in random_rows(600):
        connection.execute("INSERT INTO by_row VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO by_key (id, a, b, c, d) VALUES (?, ?, ?, ?, ?)", row)
    connection.execute("ALTER TABLE by_row ADD COLUMN later TEXT")
    with DatabasePages(path) as pages:
        tables = pages.tables()
        for name in ("by_row", "by_key"):
            found = [dict(zip(*row, strict=True)) for row in pages.rows(tables[name])]
            rows = sorted(tuple(row[column] for column in ("id", "a", "b", "c", "d")) for row in found)
            assert rows == connection.execute(f"SELECT id, a, b, c, d FROM {name} ORDER BY id").fetchall()
        assert pages.damaged == 0
        assert pages.absent() == 0
    connection.close()


def test_salvage_survives_random_damage(tmp_path):
    path = tmp_path / "sound.sqlite"
    schema = "CREATE TABLE by_row (id INTEGER PRIMARY KEY, a, b REAL, c TEXT, d BLOB);"
    connection = sqlite3.connect(path)
    connection.execute(schema)
    connection.executemany("INSERT INTO by_row VALUES (?, ?, ?, ?, ?)", random_rows(300))
    connection.commit()
    connection.close()
    content = path.read_bytes()
    seed = time.time_ns()
    print("seed", seed)
    locations = random.Random(seed)
    for number in range(20):
        damaged = bytearray(content)
        for _ in range(20):
            start = locations.randrange(len(content))
            damaged[start : start + 40] = locations.randbytes(40)
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "cloud.sqlite").write_bytes(damaged[: len(content)])
        result = salvage(folder / "cloud.sqlite", {"one": schema})
        with contextlib.closing(sqlite3.connect(folder / "cloud.sqlite")) as new:
            assert new.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert new.execute("SELECT count(*) FROM by_row").fetchone()[0] == result.rows.get("one", 0)


def test_only_existing_pages_are_read_if_a_damaged_header_states_more(tmp_path):
    database = tmp_path / "d.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL)")
        connection.executemany("INSERT INTO t (b) VALUES (?)", [(f"row {number}",) for number in range(1000)])
        connection.commit()
    with database.open("r+b") as file:
        file.seek(28)
        file.write(b"\xff" * 4)
    with DatabasePages(database) as pages:
        (table,) = pages.tables().values()
        assert [values[1] for _, values in pages.rows(table)] == [f"row {number}" for number in range(1000)]
        assert [*pages.stray_rows([table], {table})] == []
        assert pages.absent() == 2**32 - 1 - database.stat().st_size // 4096


def test_recover_starts_even_where_nothing_can_be_read(start_cloud):
    cloud = start_cloud()
    lifecycle.stop(cloud.data_dir)
    (cloud.data_dir / "cloud.sqlite").write_bytes(b"nonsense" * 1000)
    again = start_cloud(recover=True)
    assert again.client("logs").describe_log_groups()["logGroups"] == []
    (damaged_folder,) = again.data_dir.glob("cloud.sqlite-damaged-*")
    assert (damaged_folder / "cloud.sqlite").read_bytes() == b"nonsense" * 1000


def test_unreferenced_bodies_are_kept_for_a_week_and_restored(start_cloud):
    cloud = start_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="bodies")
    s3.put_object(Bucket="bodies", Key="large", Body=b"x" * 200_000)
    lifecycle.stop(cloud.data_dir)
    (body,) = (cloud.data_dir / "s3").iterdir()
    unnamed = cloud.data_dir / "s3-unnamed" / body.name
    with sqlite3.connect(cloud.data_dir / "cloud.sqlite") as connection:
        row = connection.execute("SELECT * FROM s3_objects").fetchone()
        connection.execute("DELETE FROM s3_objects")
    connection.close()
    stop_after(start_cloud, unnamed.exists)
    assert not body.exists()
    with sqlite3.connect(cloud.data_dir / "cloud.sqlite") as connection:
        connection.execute(f"INSERT INTO s3_objects VALUES ({', '.join('?' * len(row))})", row)
    connection.close()
    stop_after(start_cloud, body.exists)
    with sqlite3.connect(cloud.data_dir / "cloud.sqlite") as connection:
        connection.execute("DELETE FROM s3_objects")
    connection.close()
    stop_after(start_cloud, unnamed.exists)
    week_ago = time.time() - 8 * 86_400
    os.utime(unnamed, (week_ago, week_ago))
    stop_after(start_cloud, lambda: not unnamed.exists())


def stop_after(start_cloud, condition) -> None:
    cloud = start_cloud()
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the sweep did not meet the condition in time"
        time.sleep(0.1)
    lifecycle.stop(cloud.data_dir)


def test_nothing_is_swept_while_a_damaged_file_is_kept(start_cloud):
    cloud = killed_cloud(start_cloud)
    damage_the_middle(cloud.data_dir / "cloud.sqlite-wal")
    stray = cloud.data_dir / "s3" / "stray"
    stray.write_bytes(b"wanted, perhaps")
    os.utime(stray, (0, 0))
    for _ in range(2):
        again = start_cloud()
        again.client("s3").create_bucket(Bucket=f"swept-{_}")
        lifecycle.stop(again.data_dir)
    assert stray.read_bytes() == b"wanted, perhaps"


def remove(database: Path) -> None:
    database.unlink()


def empty(database: Path) -> None:
    database.write_bytes(b"")


@pytest.mark.parametrize("lose", [remove, empty])
def test_a_missing_database_is_rejected_and_its_log_is_salvaged(start_cloud, lose):
    cloud = killed_cloud(start_cloud)
    log = cloud.data_dir / "cloud.sqlite-wal"
    (cloud.data_dir / "identity.json").unlink()  # then a start reads the identity from the database
    content = log.read_bytes()
    lose(cloud.data_dir / "cloud.sqlite")
    with pytest.raises(CloudError, match="cloud.sqlite is (missing|empty).*--recover.*docs/explanation/recovery.md"):
        start_cloud()
    assert log.read_bytes() == content
    again = start_cloud(recover=True)
    assert len(again.client("logs").describe_log_groups()["logGroups"]) == 30
    (damaged_folder,) = again.data_dir.glob("cloud.sqlite-damaged-*")
    assert (damaged_folder / log.name).read_bytes() == content
    assert "damaged" in again.running.state()["damage"]


def test_a_missing_database_and_log_are_rejected_if_bodies_exist(start_cloud):
    cloud = start_cloud()
    cloud.client("s3").create_bucket(Bucket="lost")
    cloud.client("s3").put_object(Bucket="lost", Key="large", Body=b"x" * 200_000)
    lifecycle.stop(cloud.data_dir)
    (cloud.data_dir / "cloud.sqlite").unlink()
    with pytest.raises(CloudError, match="cloud.sqlite is missing"):
        start_cloud()
    again = start_cloud(recover=True)
    assert again.client("s3").list_buckets()["Buckets"] == []
    assert len(list((again.data_dir / "s3").iterdir())) == 1


def test_up_and_status_report_what_is_lost(start_cloud):
    cloud = killed_cloud(start_cloud)
    cut_off(cloud.data_dir / "cloud.sqlite-wal")
    location = ["--data-dir", str(cloud.data_dir)]
    for arguments in (["up", "--detach", "--port", "0"], ["status"]):
        reported = command(*arguments, *location)
        assert reported.returncode == 0, reported.stderr
        output = reported.stdout + reported.stderr
        assert re.search(r"Warning: cloud.sqlite-wal is damaged: \d+ of its \d+ pages are unusable", output)
