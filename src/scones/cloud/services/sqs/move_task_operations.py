"""The operations on message move tasks."""

from __future__ import annotations

import base64
import json
import sqlite3
import uuid

from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sqs.errors import check_range, invalid
from scones.cloud.services.sqs.move_tasks import MAX_RATE, MoveTasks
from scones.cloud.services.sqs.queues import Queue, Queues
from scones.cloud.wire.members import Members

_ARN_PARTS = 6


class MoveTaskOperations:
    """StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks."""

    def __init__(self, store: Store, queues: Queues, move_tasks: MoveTasks) -> None:
        self._store = store
        self._queues = queues
        self._move_tasks = move_tasks

    async def start_message_move_task(self, call: OperationCall) -> Members:
        """Start to move the messages of a dead-letter queue."""
        params = call.params
        source = self._queue_of(params["SourceArn"], "SourceArn")
        check_range(params.get("MaxNumberOfMessagesPerSecond"), "MaxNumberOfMessagesPerSecond", 1, MAX_RATE)
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

        await self._store.write(begin)
        self._move_tasks.run(task)
        return {"TaskHandle": _handle(task, params["SourceArn"])}

    async def cancel_message_move_task(self, call: OperationCall) -> Members:
        """Cancel a task; messages that it has moved stay in their new queue."""
        task, source = _task(call.params["TaskHandle"])
        self._queue_of(source, "SourceArn")
        cancelled = await self._store.execute(
            "UPDATE sqs_move_tasks SET status = 'CANCELLED' WHERE id = ? AND status = 'RUNNING'", task
        )
        row = self._store.row("SELECT moved FROM sqs_move_tasks WHERE id = ?", task)
        if row is None:
            raise ServiceError("ResourceNotFoundException", "Task does not exist.", 404)
        if not cancelled:
            raise ServiceError("UnsupportedOperation", "Only active tasks can be cancelled.")
        return {"ApproximateNumberOfMessagesMoved": row["moved"]}

    async def list_message_move_tasks(self, call: OperationCall) -> Members:
        """List the most recent tasks of a source queue."""
        limit = call.params.get("MaxResults", 1)
        check_range(limit, "MaxResults", 1, 10)
        if len(call.params["SourceArn"].split(":")) != _ARN_PARTS:
            raise invalid(
                "You must use this format to specify the SourceArn: "
                "arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
            )
        self._queue_of(call.params["SourceArn"], "SourceArn")
        rows = self._store.rows(
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


def _described(row: sqlite3.Row) -> Members:
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


def _task(handle: str) -> tuple[str, str]:
    """Return the ID of a task and the ARN of its source queue."""
    try:
        document = json.loads(base64.b64decode(handle, validate=True))
        return str(document["taskId"]), str(document["sourceArn"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise invalid("Value for parameter TaskHandle is invalid.") from None
