"""Message groups of FIFO queues, and the messages that can be received from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

MAX_SKIPPED = 1000
"""Number of messages that are skipped before the remaining groups are found by name."""

_VISIBLE = (
    "SELECT id, group_id FROM sqs_messages WHERE queue = ? AND fifo = 1 AND visible <= ? ORDER BY visible, sent, id"
)
_FIRST = "SELECT min(id) FROM sqs_messages WHERE queue = ? AND fifo = 1 AND group_id = ?"
_GROUP = "SELECT id, visible FROM sqs_messages WHERE queue = ? AND fifo = 1 AND group_id = ? ORDER BY id"
_MESSAGE = "SELECT * FROM sqs_messages WHERE id = ?"
_NEXT_GROUP = (
    "SELECT group_id FROM sqs_messages WHERE queue = ? AND fifo = 1 AND group_id > ? ORDER BY group_id LIMIT 1"
)


def receivable(connection: sqlite3.Connection, queue: int, now: int) -> Iterator[sqlite3.Row]:
    """Yield the messages of a queue that can be received at `now` (milliseconds), group by group.

    A message that is in flight or delayed blocks the later messages of its group, and no earlier ones. The group whose
    first message became visible first comes first, with all its messages in order. After `MAX_SKIPPED` messages that
    are not the first ones of their groups, the groups are found by name, so that the number of look-ups is bounded by
    the number of groups, not by the number of messages.
    """
    first_of: dict[str, int] = {}
    received: set[str] = set()
    skipped = 0
    for row in connection.execute(_VISIBLE, (queue, now)):
        group = row["group_id"]
        if group not in first_of:
            (first_of[group],) = connection.execute(_FIRST, (queue, group)).fetchone()
        if row["id"] == first_of[group]:
            received.add(group)
            yield from _receivable_of_group(connection, queue, group, now)
        else:
            skipped += 1
            if skipped == MAX_SKIPPED:
                break
    else:
        return
    for group in _groups(connection, queue):
        if group not in received:
            yield from _receivable_of_group(connection, queue, group, now)


def _receivable_of_group(connection: sqlite3.Connection, queue: int, group: str, now: int) -> Iterator[sqlite3.Row]:
    for row in connection.execute(_GROUP, (queue, group)):
        if row["visible"] > now:
            return
        yield connection.execute(_MESSAGE, (row["id"],)).fetchone()


def _groups(connection: sqlite3.Connection, queue: int) -> Iterator[str]:
    """Yield the names of the groups, in order."""
    after = ""
    while (row := connection.execute(_NEXT_GROUP, (queue, after)).fetchone()) is not None:
        after = row["group_id"]
        yield after
