"""Receiving and deleting messages, and changing their visibility timeout."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable

from scones.cloud.core.body_threads import THREAD_BYTES, on_body_thread
from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.service import OperationCall
from scones.cloud.services.sqs import messages
from scones.cloud.services.sqs.batches import check_batch, run_each
from scones.cloud.services.sqs.errors import check_range, invalid, invalid_parameter, no_queue
from scones.cloud.services.sqs.long_polls import LongPolls
from scones.cloud.services.sqs.message_attributes import attributes_md5, from_json, select
from scones.cloud.services.sqs.messages import ReceivedMessage, sequence_number
from scones.cloud.services.sqs.queue_metrics import QueueMetrics
from scones.cloud.services.sqs.queues import Queue, Queues
from scones.cloud.services.sqs.receipts import ReceiptHandle
from scones.cloud.wire.members import Members

VISIBILITY_LIMIT = 43_200
"""Maximum visibility timeout of one receive, in seconds."""
_NOT_AVAILABLE = "Message does not exist or is not available for visibility timeout change."


class ReceivingOperations:
    """ReceiveMessage, DeleteMessage, ChangeMessageVisibility, DeleteMessageBatch and ChangeMessageVisibilityBatch.

    ReceiveRequestAttemptId is accepted and has no effect: it protects against responses lost in the network, and no
    response is lost here.
    """

    def __init__(self, store: Store, queues: Queues, long_polls: LongPolls, metrics: QueueMetrics) -> None:
        self._store = store
        self._queues = queues
        self._long_polls = long_polls
        self._metrics = metrics

    async def receive_message(self, call: OperationCall) -> Members:
        """Receive messages, waiting for the first one up to WaitTimeSeconds without polling the store."""
        params, url = call.params, call.params["QueueUrl"]
        queue = self._queues.at(url)
        limit = params.get("MaxNumberOfMessages", 1)
        if not 1 <= limit <= 10:
            raise invalid_parameter(limit, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
        check_range(params.get("VisibilityTimeout"), "VisibilityTimeout", 0, VISIBILITY_LIMIT)
        check_range(params.get("WaitTimeSeconds"), "WaitTimeSeconds", 0, 20)
        end = time.monotonic() + params.get("WaitTimeSeconds", queue.number("ReceiveMessageWaitTimeSeconds"))
        if end <= time.monotonic():
            received = await self._receive(queue, limit, params.get("VisibilityTimeout"))
            self._metrics.received(queue, len(received))
            return await receive_response(queue, received, params)
        others_wait = self._long_polls.has_sleeping(queue.id)  # messages go to the long polls that started earlier
        with self._long_polls.polling(queue.id, limit) as waiter:
            if others_wait:
                await call.while_connected(self._long_polls.sleep(queue.id, waiter, end - time.monotonic()))
            while True:
                if queue.id != (queue := self._queues.at(url)).id:  # deleted and created again under the same name
                    raise no_queue()
                self._long_polls.start_looking(queue.id, waiter)
                received = await self._receive(queue, limit, params.get("VisibilityTimeout"))
                left = end - time.monotonic()
                if received or left <= 0 or self._long_polls.ended:
                    self._metrics.received(queue, len(received))
                    return await receive_response(queue, received, params)
                await call.while_connected(self._long_polls.sleep(queue.id, waiter, left))

    async def _receive(self, queue: Queue, limit: int, visibility: int | None) -> list[ReceivedMessage]:
        """Receive the available messages, and wake long polls for the rest; an empty queue costs no write."""
        received = await self._receive_available(queue, limit, visibility) if self._is_due(queue) else []
        if self._long_polls.has_polls(queue.id):
            if received and self._is_due(queue):
                self._long_polls.wake_more(queue.id)
            self._wake_in_time(queue)
        return received

    def _is_due(self, queue: Queue) -> bool:
        """Return True if a message is visible; in a FIFO queue, its group may still be blocked."""
        due = self._store.row("SELECT min(visible) AS at FROM sqs_messages WHERE queue = ?", queue.id)
        return due is not None and due["at"] is not None and due["at"] <= now_ms()

    async def _receive_available(self, queue: Queue, limit: int, visibility: int | None) -> list[ReceivedMessage]:
        dead_letter_queue = self._queues.at_arn(queue.redrive[0]) if queue.redrive else None
        hidden = 1000 * (queue.number("VisibilityTimeout") if visibility is None else visibility)
        while True:
            taken = await self._store.write(
                lambda connection: messages.receive(connection, queue, dead_letter_queue, limit, hidden, now_ms())
            )
            if taken.moved_some and dead_letter_queue is not None:
                self._long_polls.wake(dead_letter_queue.id)
            if taken.messages or not taken.more_to_move:
                return taken.messages

    def _wake_in_time(self, queue: Queue) -> None:
        """Schedule a wake-up of the first long poll for when the next message becomes visible."""
        now = now_ms()
        row = self._store.row(
            "SELECT min(visible) AS at FROM sqs_messages WHERE queue = ? AND visible > ?", queue.id, now
        )
        if row and row["at"] is not None:
            self._long_polls.wake_in(queue.id, (row["at"] - now) / 1000)

    async def delete_message(self, call: OperationCall) -> Members:
        """Delete a message. A FIFO queue requires the handle of a receive whose visibility timeout has not ended."""
        queue, handle = self._queues.at(call.params["QueueUrl"]), call.params["ReceiptHandle"]
        await self._store.write(lambda connection: _delete(connection, queue, handle))
        self._metrics.deleted(queue, 1)
        if queue.fifo:  # the message's group may be unblocked
            self._long_polls.wake(queue.id)
        return {}

    async def delete_message_batch(self, call: OperationCall) -> Members:
        """Delete up to ten messages in one write."""
        queue, entries = self._queues.at(call.params["QueueUrl"]), call.params.get("Entries") or []
        check_batch(entries, "DeleteMessageBatchRequestEntry")
        response = await self._store.write(
            lambda connection: run_each(entries, lambda entry: _delete(connection, queue, entry["ReceiptHandle"]))
        )
        self._metrics.deleted(queue, len(response["Successful"] or ()))
        if queue.fifo:
            self._long_polls.wake(queue.id, len(entries))
        return response

    async def change_message_visibility(self, call: OperationCall) -> Members:
        """Change the visibility timeout of a received message, in seconds from now."""
        queue, params = self._queues.at(call.params["QueueUrl"]), call.params
        await self._store.write(lambda connection: _change_visibility(connection, queue, params))
        self._long_polls.wake(queue.id)
        return {}

    async def change_message_visibility_batch(self, call: OperationCall) -> Members:
        """Change the visibility of up to ten messages in one write."""
        queue, entries = self._queues.at(call.params["QueueUrl"]), call.params.get("Entries") or []
        check_batch(entries, "ChangeMessageVisibilityBatchRequestEntry")
        response = await self._store.write(
            lambda connection: run_each(entries, lambda entry: _change_visibility(connection, queue, entry))
        )
        self._long_polls.wake(queue.id, len(entries))
        return response


def _delete(connection: sqlite3.Connection, queue: Queue, handle: str) -> None:
    receipt = ReceiptHandle.parse(handle)
    row = _received(connection, queue, receipt)
    if row is None:
        return
    if queue.fifo and (row["visible"] <= now_ms() or row["receipt"] != receipt.receive_token):
        raise invalid_parameter(handle, "ReceiptHandle", "The receipt handle has expired.")
    messages.delete(connection, row["id"])


def _change_visibility(connection: sqlite3.Connection, queue: Queue, params: Members) -> None:
    timeout, handle, now = params.get("VisibilityTimeout", 0), params["ReceiptHandle"], now_ms()
    check_range(timeout, "VisibilityTimeout", 0, VISIBILITY_LIMIT)
    row = _received(connection, queue, ReceiptHandle.parse(handle))
    if row is None:
        raise invalid_parameter(handle, "ReceiptHandle", _NOT_AVAILABLE)
    if now + 1000 * timeout > row["received"] + 1000 * VISIBILITY_LIMIT:
        raise invalid(f"Total VisibilityTimeout for the message is beyond the limit [{VISIBILITY_LIMIT} seconds]")
    messages.set_visible(connection, row["id"], now + 1000 * timeout)


def _received(connection: sqlite3.Connection, queue: Queue, receipt: ReceiptHandle) -> sqlite3.Row | None:
    """Return the message of a receipt handle, or None if it is gone; older handles remain valid, as on AWS."""
    return messages.find(connection, queue, receipt.message) if receipt.queue == queue.id else None


async def receive_response(queue: Queue, received: list[ReceivedMessage], params: Members) -> Members:
    """Return the response; large attributes are handled in a thread: 10 MiB take over 100 ms to decode and hash."""

    def members(pieces: Iterable[ReceivedMessage]) -> list[Members]:
        return [_message(queue, message, params) for message in pieces]

    large = sum(len(message.attributes) for message in received) > THREAD_BYTES
    found = await on_body_thread(lambda: members(sliced_on_thread(received))) if large else members(received)
    return {"Messages": found or None}


def _message(queue: Queue, message: ReceivedMessage, params: Members) -> Members:
    attributes = select(from_json(json.loads(message.attributes)), params.get("MessageAttributeNames") or ())
    requested = {*(params.get("AttributeNames") or ()), *(params.get("MessageSystemAttributeNames") or ())}
    known = _system_attributes(message)
    system = known if "All" in requested else {name: value for name, value in known.items() if name in requested}
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": str(ReceiptHandle(queue.id, message.number, message.receipt)),
        "MD5OfBody": message.md5,
        "Body": message.body,
        "Attributes": system or None,
        "MD5OfMessageAttributes": attributes_md5(attributes),
        "MessageAttributes": attributes or None,
    }


def _system_attributes(message: ReceivedMessage) -> dict[str, str]:
    known = {
        "SenderId": message.sender,
        "SentTimestamp": str(message.sent),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(message.first_received),
        "SequenceNumber": sequence_number(message.number) if message.fifo else None,
        "MessageDeduplicationId": message.deduplication,
        "MessageGroupId": message.group,
        "AWSTraceHeader": message.trace,
        "DeadLetterQueueSourceArn": message.source,
    }
    return {name: value for name, value in known.items() if value is not None}
