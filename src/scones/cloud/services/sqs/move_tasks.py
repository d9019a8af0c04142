"""Message move tasks, which move a dead-letter queue's messages to their source queues or to another queue."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import uuid
from functools import partial
from typing import Any

from scones.cloud.core.resumption import ResumableWork
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sqs.base import SqsBase, now_ms
from scones.cloud.services.sqs.errors import check_range, invalid
from scones.cloud.services.sqs.queues import Queue

SCHEMA = """
    CREATE TABLE IF NOT EXISTS sqs_move_tasks (
        id TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT, status TEXT NOT NULL, rate INTEGER,
        started INTEGER NOT NULL, moved INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL, reason TEXT
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sqs_move_tasks_by_source ON sqs_move_tasks (source, started);
    CREATE INDEX IF NOT EXISTS sqs_move_tasks_running ON sqs_move_tasks (status) WHERE status = 'RUNNING'
"""
FASTEST = 500
"""Default and maximum rate of a task, in messages per second."""
_EXISTS = "SELECT 1 FROM sqs_queues WHERE id = ?"
_FAILED = "UPDATE sqs_move_tasks SET status = 'FAILED', reason = ? WHERE id = ?"


class MoveTaskOperations(SqsBase):
    """StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks."""

    def _resume_moves(self) -> None:
        """Plan the resumption of tasks that an earlier process left."""
        rows = self.cloud.store.rows("SELECT id FROM sqs_move_tasks WHERE status = 'RUNNING'")
        self.cloud.resumption.plan(self._resumable_move(row["id"]) for row in rows)

    def _resumable_move(self, task: str) -> ResumableWork:
        async def take_up() -> None:
            self._run_move(task)

        async def give_up(reason: str) -> None:
            await self.cloud.store.execute(_FAILED, reason, task)

        return ResumableWork("message move task", task, take_up, give_up)

    def _run_move(self, task: str) -> None:
        self.cloud.spawn(self._move_all(task), name=f"sqs move task {task}")

    async def start_message_move_task(self, call: OperationCall) -> dict[str, Any]:
        """Start to move the messages of a dead-letter queue."""
        params = call.params
        source = self._queue_of(params["SourceArn"], "SourceArn")
        check_range(params.get("MaxNumberOfMessagesPerSecond"), "MaxNumberOfMessagesPerSecond", 1, FASTEST)
        destination = params.get("DestinationArn")
        if destination is not None:
            self._queue_of(destination, "DestinationArn")
        if not any(queue.redrive and queue.redrive[0] == params["SourceArn"] for queue in self._queues.all()):
            raise invalid("Source queue must be configured as a Dead Letter Queue.")
        task = str(uuid.uuid4())

        def begin(connection: sqlite3.Connection) -> None:
            running = "SELECT 1 FROM sqs_move_tasks WHERE source = ? AND status = 'RUNNING'"
            if connection.execute(running, (params["SourceArn"],)).fetchone():
                raise invalid(
                    "There is already a task running. Only one active task is allowed for a source queue arn at a "
                    "given time."
                )
            connection.execute(
                "INSERT INTO sqs_move_tasks (id, source, destination, status, rate, started, total)"
                " VALUES (?, ?, ?, 'RUNNING', ?, ?, (SELECT count(*) FROM sqs_messages WHERE queue = ?))",
                (
                    task,
                    params["SourceArn"],
                    destination,
                    params.get("MaxNumberOfMessagesPerSecond"),
                    now_ms(),
                    source.id,
                ),
            )

        await self.cloud.store.write(begin)
        self._run_move(task)
        return {"TaskHandle": _handle(task, params["SourceArn"])}

    async def cancel_message_move_task(self, call: OperationCall) -> dict[str, Any]:
        """Cancel a task; messages that it has moved stay in their new queue."""
        task = _task(call.params["TaskHandle"])
        cancelled = await self.cloud.store.execute(
            "UPDATE sqs_move_tasks SET status = 'CANCELLED' WHERE id = ? AND status = 'RUNNING'", task
        )
        row = self.cloud.store.row("SELECT moved FROM sqs_move_tasks WHERE id = ?", task)
        if row is None:
            raise ServiceError("ResourceNotFoundException", "Task does not exist.", 404)
        if not cancelled:
            raise ServiceError("UnsupportedOperation", "Only active tasks can be cancelled.")
        return {"ApproximateNumberOfMessagesMoved": row["moved"]}

    async def list_message_move_tasks(self, call: OperationCall) -> dict[str, Any]:
        """List the most recent tasks of a source queue."""
        limit = call.params.get("MaxResults", 1)
        check_range(limit, "MaxResults", 1, 10)
        self._queue_of(call.params["SourceArn"], "SourceArn")
        rows = self.cloud.store.rows(
            "SELECT * FROM sqs_move_tasks WHERE source = ? ORDER BY started DESC LIMIT ?",
            call.params["SourceArn"],
            limit,
        )
        return {"Results": [_described(row) for row in rows]}

    def _queue_of(self, arn: str, parameter: str) -> Queue:
        queue = self._queues.at_arn(arn)
        if queue is None:
            message = f"The resource that you specified for the {parameter} parameter doesn't exist."
            raise ServiceError("ResourceNotFoundException", message, 404)
        return queue

    async def _move_all(self, task: str) -> None:
        """Move visible messages at the task's rate until none is left or the task is cancelled."""
        while (row := self.cloud.store.row("SELECT * FROM sqs_move_tasks WHERE id = ?", task)) is not None:
            if row["status"] != "RUNNING":
                return
            queues = {self._queues.arn(queue.name): queue for queue in self._queues.all()}
            touched = await self.cloud.store.write(partial(_move_batch, task=row, queues=queues))
            for queue in touched:
                self._long_polls.wake(queue)
            if touched:
                await asyncio.sleep(1)


def _move_batch(connection: sqlite3.Connection, task: sqlite3.Row, queues: dict[str, Queue]) -> set[int]:
    """Move up to one second's messages; return the IDs of the queues that received some, empty if the task ended."""
    source, touched, now = queues.get(task["source"]), set[int](), now_ms()
    rows = connection.execute(
        "SELECT id, source FROM sqs_messages WHERE queue = ? AND visible <= ? ORDER BY visible, sent, id LIMIT ?",
        (source.id if source else None, now, task["rate"] or FASTEST),
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
    if not rows:
        connection.execute(
            "UPDATE sqs_move_tasks SET status = 'COMPLETED' WHERE id = ? AND status = 'RUNNING'", (task["id"],)
        )
    return touched


def _described(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "TaskHandle": _handle(row["id"], row["source"]) if row["status"] == "RUNNING" else None,
        "Status": row["status"],
        "SourceArn": row["source"],
        "DestinationArn": row["destination"],
        "MaxNumberOfMessagesPerSecond": row["rate"],
        "ApproximateNumberOfMessagesMoved": row["moved"],
        "ApproximateNumberOfMessagesToMove": row["total"],
        "FailureReason": row["reason"],
        "StartedTimestamp": row["started"],
    }


def _handle(task: str, source: str) -> str:
    return base64.b64encode(json.dumps({"taskId": task, "sourceArn": source}).encode()).decode()


def _task(handle: str) -> str:
    try:
        return str(json.loads(base64.b64decode(handle, validate=True))["taskId"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise invalid("Value for parameter TaskHandle is invalid.") from None
