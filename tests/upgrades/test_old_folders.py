"""The data folders of earlier releases: this release opens them, and returns their resources unchanged."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scones.cloud.all_services import all_services
from scones.cloud.core.migrations import VERSION, migrate, version_of
from scones.cloud.core.store import statements
from scones.cloud.process import lifecycle
from support.old_folder import FOLDERS, RESPONSES, load, opened, plain, restore

_TIME = re.compile(r"([0-9-]{10}T[0-9:]{8})(?:\.[0-9]+)?\+00:00")
"""A time, of which only the seconds are compared: S3 returned milliseconds before schema version 5."""
CORRECTED = {"list_multipart_uploads": ["Prefix"], "get_policy": ["RevisionId"]}
"""By operation, members whose earlier values were wrong: S3 returns no empty prefix, and a policy of Lambda has the
revision of its function."""
FOLDER = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def create_tables(connection: sqlite3.Connection) -> None:
    for kind in all_services():
        for statement in statements(kind.schema):
            connection.execute(statement)


def schema(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what an ALTER TABLE must reproduce: columns in order, foreign keys, and indexes with their SQL."""
    found: dict[str, Any] = {}
    for name, without_rowid in connection.execute("SELECT name, wr FROM pragma_table_list WHERE schema = 'main'"):
        if name.startswith("sqlite_"):
            continue
        columns = connection.execute("SELECT * FROM pragma_table_xinfo(?) ORDER BY cid", (name,)).fetchall()
        keys = connection.execute("SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq", (name,)).fetchall()
        found[f"table {name}"] = {"columns": columns, "foreign keys": keys, "without rowid": without_rowid}
        for _, index, unique, origin, partial in connection.execute("SELECT * FROM pragma_index_list(?)", (name,)):
            members = connection.execute("SELECT * FROM pragma_index_xinfo(?) ORDER BY seqno", (index,)).fetchall()
            row = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
            text = re.sub(r"\s+", " ", row[0] or "") if row else ""  # a primary key's index has no statement
            found[f"index {index}"] = (unique, origin, partial, [member[1:] for member in members], text)
    return found


@pytest.fixture(scope="module")
def present() -> dict[str, Any]:
    """The schema of a new data folder."""
    with opened(":memory:") as connection:
        create_tables(connection)
        return schema(connection)


def test_a_folder_of_an_earlier_release_is_kept():
    assert "version-1" in [folder.name for folder in FOLDERS]


@FOLDER
def test_the_schema_of_an_upgraded_folder_is_that_of_a_new_one(folder, present):
    with opened(":memory:") as connection:
        load(folder, connection)
        assert f"version-{version_of(connection)}" == folder.name
        migrate(connection, folder)
        create_tables(connection)
        upgraded = schema(connection)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for name in sorted({*upgraded, *present}):
        assert upgraded.get(name) == present.get(name), (
            f"The {name} of an upgraded folder differs from that of a new one: "
            "add a migration to src/scones/cloud/core/migrations.py."
        )


@FOLDER
def test_a_folder_that_lacks_any_one_table_is_upgraded(folder, present):
    with opened(":memory:") as connection:
        load(folder, connection)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table.startswith("sqlite_"):
                continue
            with opened(":memory:") as copy:
                connection.backup(copy)
                copy.execute("PRAGMA foreign_keys = OFF")
                copy.execute(f"DROP TABLE {table}")
                migrate(copy, folder)
                create_tables(copy)
                assert schema(copy) == present, table


@pytest.mark.slow
@FOLDER
def test_an_earlier_folder_opens_and_its_resources_are_unchanged(folder, start_cloud, tmp_path):
    data_dir = tmp_path / "data"
    restore(folder, data_dir)
    postpone_expiry(data_dir / "cloud.sqlite")
    cloud = start_cloud()
    client_of = cache(cloud.client)
    changed = []
    for call in json.loads((folder / RESPONSES).read_text()):
        client = client_of(call["service"])
        response = plain(getattr(client, call["operation"])(**call["parameters"]))
        for member in CORRECTED.get(call["operation"], ()):
            call["response"].pop(member, None)
        if not kept(call["response"], response):
            changed.append(f"{call['operation']}: {call['response']} became {response}")
    assert changed == []
    use(cloud)
    lifecycle.stop(data_dir)
    with opened(data_dir / "cloud.sqlite") as connection:
        assert version_of(connection) == VERSION


def postpone_expiry(database: Path) -> None:
    """Make SQS messages as old as if they had been sent now: SQS keeps them for 14 days at most."""
    with opened(database) as connection:
        now = int(time.time() * 1000)
        connection.execute("UPDATE sqs_messages SET sent = ?, visible = ?", (now, now))


def kept(before: Any, after: Any) -> bool:
    """Return True if a response has all members of an earlier one; a later release may add members.

    Times are compared by their seconds: earlier releases returned the milliseconds of S3's uploads.
    """
    if isinstance(before, dict):
        return isinstance(after, dict) and all(name in after and kept(before[name], after[name]) for name in before)
    if isinstance(before, list):
        return isinstance(after, list) and len(before) == len(after) and all(map(kept, before, after))
    if isinstance(before, str) and _TIME.fullmatch(before):
        return _TIME.sub(r"\1", before) == _TIME.sub(r"\1", str(after))
    return bool(before == after)


def use(cloud: Any) -> None:
    """Use the resources: receive the message, match the rule, run the function, and end the waiting execution."""
    sqs, states = cloud.client("sqs"), cloud.client("stepfunctions")
    (message,) = receive(sqs, "upgraded")
    assert message["Body"] == "kept"
    assert message["MessageAttributes"]["a"]["StringValue"] == "b"
    assert receive(sqs, "upgraded.fifo")[0]["Body"] == "0"
    event = {"EventBusName": "upgraded", "Source": "upgrade", "DetailType": "t", "Detail": '{"by": "rule"}'}
    assert cloud.client("events").put_events(Entries=[event])["FailedEntryCount"] == 0
    assert [json.loads(each["Body"]) for each in receive(sqs, "upgraded")] == [{"by": "rule"}]
    topic = cloud.client("sns").list_topics()["Topics"][0]["TopicArn"].removesuffix(".fifo")
    attributes = {"kind": {"DataType": "String", "StringValue": "kept"}}
    cloud.client("sns").publish(TopicArn=topic, Message="by topic", MessageAttributes=attributes)
    assert [each["Body"] for each in receive(sqs, "upgraded")] == ["by topic"]
    answer = cloud.client("lambda").invoke(FunctionName="upgraded", Qualifier="live", Payload=b'{"a": 1}')
    assert json.loads(answer["Payload"].read()) == {"echo": {"a": 1}}
    (message,) = receive(sqs, "tokens")
    states.send_task_success(taskToken=json.loads(message["Body"])["token"], output='"upgraded"')
    machine = next(
        each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"] if each["name"] == "waiting"
    )
    (execution,) = states.list_executions(stateMachineArn=machine)["executions"]
    deadline = time.monotonic() + 60
    while (found := states.describe_execution(executionArn=execution["executionArn"]))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (found["status"], found["output"]) == ("SUCCEEDED", '"upgraded"')


def receive(sqs: Any, name: str) -> list[dict[str, Any]]:
    """Receive a message of a queue, and delete it."""
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=20).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found
