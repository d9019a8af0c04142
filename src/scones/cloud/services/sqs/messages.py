"""Stored messages: sending, receiving, visibility, dead-letter queues and deletion.

Functions with a connection run inside one write of the store. Times are milliseconds since 1970.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scones.cloud.services.sqs.groups import receivable
from scones.cloud.services.sqs.queues import Queue
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS sqs_messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL REFERENCES sqs_queues(id) ON DELETE CASCADE,
        fifo INTEGER NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL, md5 TEXT NOT NULL,
        attributes TEXT NOT NULL, sender TEXT NOT NULL, trace TEXT, group_id TEXT, deduplication_id TEXT,
        source TEXT, sent INTEGER NOT NULL, visible INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0,
        carried INTEGER NOT NULL DEFAULT 0, received INTEGER, first_received INTEGER, receipt TEXT
    );
    CREATE INDEX IF NOT EXISTS sqs_messages_by_visibility ON sqs_messages (queue, visible, sent);
    CREATE INDEX IF NOT EXISTS sqs_messages_by_age ON sqs_messages (queue, sent);
    CREATE INDEX IF NOT EXISTS sqs_messages_of_group ON sqs_messages (queue, group_id) WHERE fifo = 1;
    DROP INDEX IF EXISTS sqs_messages_by_time;
    DROP INDEX IF EXISTS sqs_messages_by_group;
    DROP INDEX IF EXISTS sqs_messages_in_order;
    DROP INDEX IF EXISTS sqs_messages_in_flight;
    CREATE TABLE IF NOT EXISTS sqs_deduplications (
        queue INTEGER NOT NULL REFERENCES sqs_queues(id) ON DELETE CASCADE, scope TEXT NOT NULL, id TEXT NOT NULL,
        message_id TEXT NOT NULL, number INTEGER NOT NULL, sent INTEGER NOT NULL, PRIMARY KEY (queue, scope, id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sqs_deduplications_by_age ON sqs_deduplications (sent)
"""

DEDUPLICATION_MS = 300_000
"""Milliseconds for which a FIFO queue detects duplicates."""
_FIRST_SEQUENCE_NUMBER = 18_849_496_460_467_696_128
"""The base of sequence numbers. AWS's have 20 digits, and applications compare them as text."""

MAX_MOVED = 500
"""Maximum number of messages that one write moves to the dead-letter queue, so that other writes run in between."""
BLOCK = 100
"""Number of visible messages of a standard queue that are put in the order in which they were sent."""
_VISIBLE = "SELECT id, sent FROM sqs_messages WHERE queue = ? AND visible <= ? AND sent > ? ORDER BY visible, sent, id"
_MESSAGE = "SELECT * FROM sqs_messages WHERE id = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message to be sent."""

    body: str
    md5: str
    attributes: Mapping[str, Members]
    sender: str
    trace: str | None
    group: str | None
    deduplication: str | None
    delay_ms: int


@dataclass(frozen=True, slots=True)
class SentMessage:
    """The IDs of a sent message, or of the earlier message that it duplicates."""

    message_id: str
    sequence_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMessage:
    """A received message; `attributes` are in JSON, `number` is its row ID, `receipt` is the token of this receive."""

    number: int
    message_id: str
    body: str
    md5: str
    attributes: str
    sender: str
    sent: int
    receives: int
    first_received: int
    receipt: str
    fifo: bool
    group: str | None
    deduplication: str | None
    trace: str | None
    source: str | None

    @classmethod
    def of(cls, row: sqlite3.Row, now: int) -> ReceivedMessage:
        """Return the message for a row that is received at `now`."""
        return cls(
            number=row["id"],
            message_id=row["message_id"],
            body=row["body"],
            md5=row["md5"],
            attributes=row["attributes"],
            sender=row["sender"],
            sent=row["sent"],
            receives=row["receives"] + 1,
            first_received=row["first_received"] or now,
            receipt=secrets.token_hex(12),
            fifo=bool(row["fifo"]),
            group=row["group_id"],
            deduplication=row["deduplication_id"],
            trace=row["trace"],
            source=row["source"],
        )


@dataclass(frozen=True, slots=True)
class ReceivedMessages:
    """The messages of one receive.

    `moved_some` is true if messages went to the dead-letter queue. `more_to_move` is true if the write stopped at
    `MAX_MOVED`, so that more may have to be moved.
    """

    messages: list[ReceivedMessage]
    moved_some: bool
    more_to_move: bool


def sequence_number(number: int) -> str:
    """Return a FIFO message's SequenceNumber from its row ID."""
    return str(_FIRST_SEQUENCE_NUMBER + number)


def send(connection: sqlite3.Connection, queue: Queue, draft: OutgoingMessage, now: int) -> SentMessage:
    """Store a message, unless it is a duplicate."""
    scope = draft.group or "" if queue.attributes.get("DeduplicationScope") == "messageGroup" else ""
    if queue.fifo:
        row = connection.execute(
            "SELECT * FROM sqs_deduplications WHERE queue = ? AND scope = ? AND id = ? AND sent > ?",
            (queue.id, scope, draft.deduplication, now - DEDUPLICATION_MS),
        ).fetchone()
        if row is not None:
            return SentMessage(row["message_id"], sequence_number(row["number"]))
    message_id = str(uuid.uuid4())
    number = connection.execute(
        "INSERT INTO sqs_messages (queue, fifo, message_id, body, md5, attributes, sender, trace, group_id,"
        " deduplication_id, sent, visible) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            queue.id,
            queue.fifo,
            message_id,
            draft.body,
            draft.md5,
            json.dumps(draft.attributes),
            draft.sender,
            draft.trace,
            draft.group,
            draft.deduplication,
            now,
            now + draft.delay_ms,
        ),
    ).lastrowid
    assert number is not None
    if not queue.fifo:
        return SentMessage(message_id, None)
    connection.execute(
        "INSERT OR REPLACE INTO sqs_deduplications VALUES (?, ?, ?, ?, ?, ?)",
        (queue.id, scope, draft.deduplication, message_id, number, now),
    )
    return SentMessage(message_id, sequence_number(number))


def receive(
    connection: sqlite3.Connection,
    queue: Queue,
    dead_letter_queue: Queue | None,
    limit: int,
    visibility_ms: int,
    now: int,
) -> ReceivedMessages:
    """Receive up to `limit` messages; those received too often go to the dead-letter queue instead, if it exists."""
    if (
        dead_letter_queue
        and not connection.execute("SELECT 1 FROM sqs_queues WHERE id = ?", (dead_letter_queue.id,)).fetchone()
    ):
        dead_letter_queue = None
    oldest = now - 1000 * queue.number("MessageRetentionPeriod")
    max_receives = queue.redrive[1] if queue.redrive else 0
    taken: list[ReceivedMessage] = []
    exhausted: list[int] = []
    rows = receivable(connection, queue.id, now) if queue.fifo else _visible(connection, queue.id, now, oldest)
    for row in rows:
        if row["sent"] <= oldest:
            continue
        if dead_letter_queue is not None and row["receives"] - row["carried"] >= max_receives:
            exhausted.append(row["id"])
            if len(exhausted) == MAX_MOVED:
                break
            continue
        taken.append(ReceivedMessage.of(row, now))
        if len(taken) == limit:
            break
    connection.executemany(
        "UPDATE sqs_messages SET visible = ?, receives = receives + 1, received = ?, first_received = ?, receipt = ?"
        " WHERE id = ?",
        [(now + visibility_ms, now, each.first_received, each.receipt, each.number) for each in taken],
    )
    if dead_letter_queue is not None and exhausted:
        _move_to_dead_letter_queue(connection, exhausted, dead_letter_queue, queue, now)
    return ReceivedMessages(taken, bool(exhausted), len(exhausted) == MAX_MOVED)


def _visible(connection: sqlite3.Connection, queue: int, now: int, oldest: int) -> Iterator[sqlite3.Row]:
    """Yield the visible messages of a standard queue.

    A message that becomes visible again comes before those that were sent later, as recorded on AWS. Only the messages
    of one block are in this order: AWS promises none, and a long queue costs no more than a short one.
    """
    found = connection.execute(_VISIBLE, (queue, now, oldest))
    while block := found.fetchmany(BLOCK):
        for number, _ in sorted(block, key=lambda row: (row["sent"], row["id"])):
            yield connection.execute(_MESSAGE, (number,)).fetchone()


def _move_to_dead_letter_queue(
    connection: sqlite3.Connection, numbers: list[int], dead_letter_queue: Queue, queue: Queue, now: int
) -> None:
    """Move messages to the dead-letter queue.

    A standard queue keeps their sent time. Both kinds of queue keep their receive count.
    """
    assert queue.redrive is not None
    arn = queue.redrive[0].removesuffix(dead_letter_queue.name) + queue.name
    connection.executemany(
        "UPDATE sqs_messages SET queue = ?, source = ?, visible = ?, receipt = NULL, carried = receives,"
        " sent = CASE fifo WHEN 1 THEN ? ELSE sent END WHERE id = ?",
        [(dead_letter_queue.id, arn, now, now, number) for number in numbers],
    )


def find(connection: sqlite3.Connection, queue: Queue, number: int) -> sqlite3.Row | None:
    """Return a message that was received from a queue, or None if it is gone."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM sqs_messages WHERE id = ? AND queue = ? AND received IS NOT NULL", (number, queue.id)
    ).fetchone()
    return row


def delete(connection: sqlite3.Connection, number: int) -> None:
    """Delete a message."""
    connection.execute("DELETE FROM sqs_messages WHERE id = ?", (number,))


def set_visible(connection: sqlite3.Connection, number: int, visible: int) -> None:
    """Set the time at which a message becomes visible."""
    connection.execute("UPDATE sqs_messages SET visible = ? WHERE id = ?", (visible, number))
