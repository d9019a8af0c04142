"""Receivable messages of a FIFO queue, compared with the rule as a single SQL statement."""

from __future__ import annotations

import random
import sqlite3

import pytest

from scones.cloud.services.sqs import groups
from scones.cloud.services.sqs.messages import SCHEMA
from scones.cloud.services.sqs.queues import SCHEMA as QUEUES

RULE = """
    SELECT id, group_id FROM sqs_messages AS m WHERE queue = 1 AND visible <= :now AND NOT EXISTS (
    SELECT 1 FROM sqs_messages AS other WHERE other.queue = 1 AND other.group_id = m.group_id
    AND other.visible > :now AND other.id < m.id)
    ORDER BY (SELECT visible FROM sqs_messages AS first WHERE first.id = (SELECT min(id) FROM sqs_messages AS any
    WHERE any.queue = 1 AND any.group_id = m.group_id)), (SELECT min(id) FROM sqs_messages AS any WHERE any.queue = 1
    AND any.group_id = m.group_id), id
"""
NOW = 1000


@pytest.fixture
def queue():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.executescript(QUEUES + ";" + SCHEMA)
    yield connection
    connection.close()


def send(queue, group: str, visible: int, receives: int = 0, number: int = 1) -> None:
    queue.execute(
        "INSERT INTO sqs_messages (queue, fifo, message_id, body, md5, attributes, sender, group_id, sent, visible,"
        " receives) VALUES (?, 1, '', '', '', '', '', ?, 0, ?, ?)",
        (number, group, visible, receives),
    )


@pytest.mark.parametrize("scanned", [1, 2, 5, 1000])
def test_messages_are_those_of_the_rule(queue, monkeypatch, scanned):
    monkeypatch.setattr(groups, "MAX_SKIPPED", scanned)
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(100):
        queue.execute("DELETE FROM sqs_messages")
        for _ in range(chance.randint(0, 30)):
            visible = chance.choice([NOW - 1, NOW - 1, NOW - 2, NOW + 1])
            send(queue, chance.choice("abcdefg"), visible, chance.choice([0, 0, 1]), chance.choice([1, 1, 1, 2]))
        expected = [tuple(row) for row in queue.execute(RULE, {"now": NOW})]
        found = [(row["id"], row["group_id"]) for row in groups.receivable(queue, 1, NOW)]
        assert sorted(found) == sorted(expected)
        for group in "abcdefg":  # the order within each group is kept
            assert [each for each in found if each[1] == group] == [each for each in expected if each[1] == group]
        if scanned == 1000:
            assert found == expected


def steps(queue) -> int:
    """Return how many hundreds of SQLite instructions it takes to find the first receivable message."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    queue.set_progress_handler(step, 100)
    assert next(groups.receivable(queue, 1, NOW))["group_id"] == "z"
    queue.set_progress_handler(None, 0)
    return count


def test_waiting_messages_of_a_blocked_group_do_not_slow_a_receive(queue):
    """30,000 messages after one in flight, and 30,000 delayed ones, cost less than twice as much as 1,000 of each."""
    send(queue, "a", NOW + 1, receives=1)
    send(queue, "b", NOW + 1)
    for _ in range(1000):
        send(queue, "a", NOW - 1)
        send(queue, "b", NOW + 1)
    send(queue, "z", NOW - 1)
    few = steps(queue)
    for _ in range(29_000):
        send(queue, "a", NOW - 1)
        send(queue, "b", NOW + 1)
    send(queue, "z", NOW - 1)
    queue.execute("DELETE FROM sqs_messages WHERE id = (SELECT min(id) FROM sqs_messages WHERE group_id = 'z')")
    assert steps(queue) < 2 * few


def test_a_message_in_flight_blocks_the_later_ones_of_its_group(queue):
    """AWS also prefers the group whose message has been visible for longer."""
    for group, visible in (("a", NOW), ("a", NOW + 1), ("a", NOW - 1), ("b", NOW - 1)):
        send(queue, group, visible, receives=1)
    queue.execute("DELETE FROM sqs_messages WHERE id = 3")
    assert [row["id"] for row in groups.receivable(queue, 1, NOW)] == [4, 1]
