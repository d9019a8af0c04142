"""Message groups of FIFO queues, and the messages that can be received from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import chain

MAX_SKIPPED = 1000
"""Number of blocked messages that are skipped before the scan continues group by group."""

_QUEUE = "SELECT id, group_id, visible FROM sqs_messages WHERE queue = ? AND fifo = 1 ORDER BY id"
_GROUP = "SELECT id, visible FROM sqs_messages WHERE queue = ? AND fifo = 1 AND group_id = ? AND id > ? ORDER BY id"
_MESSAGE = "SELECT * FROM sqs_messages WHERE id = ?"
_NEXT_GROUP = (
    "SELECT group_id FROM sqs_messages WHERE queue = ? AND fifo = 1 AND group_id > ? ORDER BY group_id LIMIT 1"
)
_IN_FLIGHT = (
    "SELECT 1 FROM sqs_messages WHERE queue = ? AND fifo = 1 AND group_id = ? AND receives > 0 AND visible > ? LIMIT 1"
)


def receivable(connection: sqlite3.Connection, queue: int, now: int) -> Iterator[sqlite3.Row]:
    """Yield the messages of a queue that can be received at `now` (milliseconds), in order within each group.

    A group is blocked while one of its messages is in flight; a delayed message blocks the later messages of its
    group. The oldest messages come first. After `MAX_SKIPPED` blocked messages, the scan continues group by group, so
    that the number of look-ups is bounded by the number of groups, not by the number of messages.
    """
    waiting: dict[str, bool] = {}

    def waits(group: str) -> bool:
        if group not in waiting:
            waiting[group] = connection.execute(_IN_FLIGHT, (queue, group, now)).fetchone() is not None
        return waiting[group]

    def message(number: int) -> sqlite3.Row:
        row: sqlite3.Row = connection.execute(_MESSAGE, (number,)).fetchone()
        return row

    passed, last, newest = 0, "", 0
    for row in connection.execute(_QUEUE, (queue,)):
        last, newest = row["group_id"], row["id"]
        if waits(last) or row["visible"] > now:
            waiting[last] = True
            passed += 1
            if passed == MAX_SKIPPED:
                break
        else:
            yield message(row["id"])
    else:
        return
    for group in chain(_groups(connection, queue, last, None), _groups(connection, queue, "", last)):
        if waits(group):
            continue
        for row in connection.execute(_GROUP, (queue, group, newest)):
            if row["visible"] > now:
                break
            yield message(row["id"])


def _groups(connection: sqlite3.Connection, queue: int, after: str, last: str | None) -> Iterator[str]:
    """Yield the names of the groups after `after`, in order, up to and including `last` if it is given."""
    while (row := connection.execute(_NEXT_GROUP, (queue, after)).fetchone()) is not None:
        after = row["group_id"]
        if last is not None and after > last:
            return
        yield after
