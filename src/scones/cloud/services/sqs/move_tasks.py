"""Message move tasks, which move a dead-letter queue's messages to their source queues or to another queue."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from functools import partial

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import now_ms
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.services.sqs.long_polls import LongPolls
from scones.cloud.services.sqs.queues import Queue, Queues

SCHEMA = """
    CREATE TABLE IF NOT EXISTS sqs_move_tasks (
        id TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT, status TEXT NOT NULL, rate INTEGER,
        started INTEGER NOT NULL, moved INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL, reason TEXT
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sqs_move_tasks_by_source ON sqs_move_tasks (source, started);
    CREATE INDEX IF NOT EXISTS sqs_move_tasks_running ON sqs_move_tasks (status) WHERE status = 'RUNNING'
"""
MAX_RATE = 500
"""Default and maximum rate of a task, in messages per second."""
_EXISTS = "SELECT 1 FROM sqs_queues WHERE id = ?"
_FAILED = "UPDATE sqs_move_tasks SET status = 'FAILED', reason = ? WHERE id = ?"


class MoveTasks:
    """Runs the stored move tasks in the background."""

    def __init__(self, cloud: CloudContext, queues: Queues, long_polls: LongPolls) -> None:
        self._cloud = cloud
        self._queues = queues
        self._long_polls = long_polls

    def plan_resumption(self) -> None:
        """Plan the resumption of tasks that an earlier process left unfinished."""
        rows = self._cloud.store.rows("SELECT id FROM sqs_move_tasks WHERE status = 'RUNNING'")
        self._cloud.resumption.plan(self._resumable(row["id"]) for row in rows)

    def _resumable(self, task: str) -> ResumableWork:
        async def take_up() -> None:
            self.run(task)

        async def give_up(reason: str) -> None:
            await self._cloud.store.execute(_FAILED, reason, task)

        return ResumableWork("message move task", task, take_up, give_up)

    def run(self, task: str) -> None:
        """Start to move the messages of a stored task."""
        self._cloud.spawn(self._move_all(task), name=f"sqs move task {task}")

    async def _move_all(self, task: str) -> None:
        """Move visible messages at the task's rate until none is left or the task is cancelled."""
        while (row := self._cloud.store.row("SELECT * FROM sqs_move_tasks WHERE id = ?", task)) is not None:
            if row["status"] != "RUNNING":
                return
            queues = {self._queues.arn(queue.name): queue for queue in self._queues.all()}
            touched = await self._cloud.store.write(partial(_move_batch, task=row, queues=queues))
            for queue in touched:
                self._long_polls.wake(queue)
            if touched:
                await asyncio.sleep(1)


def _move_batch(connection: sqlite3.Connection, task: sqlite3.Row, queues: dict[str, Queue]) -> set[int]:
    """Move up to one second's messages; return the IDs of the queues that received some, empty if the task ended."""
    source, touched, now = queues.get(task["source"]), set[int](), now_ms()
    limit = task["rate"] or MAX_RATE
    rows = connection.execute(
        "SELECT id, source FROM sqs_messages WHERE queue = ? AND visible <= ? ORDER BY visible, sent, id LIMIT ?",
        (source.id if source else None, now, limit),
    ).fetchall()
    for row in rows:
        origin = task["destination"] or row["source"]
        target = queues.get(origin)
        if target is None or connection.execute(_EXISTS, (target.id,)).fetchone() is None:
            reason = "AWS.SimpleQueueService.NonExistentQueue" if origin else "CouldNotDetermineMessageSource"
            connection.execute(_FAILED, (reason, task["id"]))
            return set()
        connection.execute(
            "UPDATE sqs_messages SET queue = ?, message_id = ?, sent = ?, visible = ?, receives = 0, carried = 0,"
            " received = NULL, first_received = NULL, receipt = NULL, source = NULL WHERE id = ?",
            (target.id, str(uuid.uuid4()), now, now + 1000 * target.number("DelaySeconds"), row["id"]),
        )
        touched.add(target.id)
    connection.execute("UPDATE sqs_move_tasks SET moved = moved + ? WHERE id = ?", (len(rows), task["id"]))
    if len(rows) < limit:  # no visible message is left
        connection.execute(
            "UPDATE sqs_move_tasks SET status = 'COMPLETED' WHERE id = ? AND status = 'RUNNING'", (task["id"],)
        )
    return touched
