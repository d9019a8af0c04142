"""Sending messages."""

from __future__ import annotations

import hashlib
import re
import sqlite3

from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.core.text_size import utf8_size
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sqs import messages
from scones.cloud.services.sqs.batches import batch_response, check_batch, failed
from scones.cloud.services.sqs.errors import check_range, invalid, invalid_parameter, missing
from scones.cloud.services.sqs.long_polls import LongPolls
from scones.cloud.services.sqs.message_attributes import (
    attributes_md5,
    attributes_size,
    check_message_attributes,
    check_value,
    has_forbidden_characters,
    text_md5,
    to_json,
)
from scones.cloud.services.sqs.messages import OutgoingMessage, SentMessage
from scones.cloud.services.sqs.queue_metrics import QueueMetrics
from scones.cloud.services.sqs.queues import Queue, Queues
from scones.cloud.wire.members import Members

BATCH_LIMIT = 1_048_576
"""Maximum total size of a batch's messages, in bytes."""
_ID = re.compile(r"[!-~]{1,128}")
_NOT_OF_THIS_QUEUE = "The request include parameter that is not valid for this queue type."


class SendingOperations:
    """SendMessage and SendMessageBatch."""

    def __init__(self, store: Store, queues: Queues, long_polls: LongPolls, metrics: QueueMetrics) -> None:
        self._store = store
        self._queues = queues
        self._long_polls = long_polls
        self._metrics = metrics

    async def send_message(self, call: OperationCall) -> Members:
        """Send one message; it is on disk when this returns."""
        queue = self._queues.at(call.params["QueueUrl"])
        draft = _draft(queue, call.params, call)
        sent = await self._store.write(lambda connection: messages.send(connection, queue, draft, now_ms()))
        self._metrics.sent(queue, _size(call.params))
        self._long_polls.wake(queue.id)
        return _answer(call.params, draft, sent)

    async def send_message_batch(self, call: OperationCall) -> Members:
        """Send up to ten messages in one write; invalid entries fail without affecting the rest."""
        queue, entries = self._queues.at(call.params["QueueUrl"]), call.params.get("Entries") or []
        check_batch(entries, "SendMessageBatchRequestEntry")
        for entry in entries if queue.fifo else ():
            _check_fifo_entry(queue, entry)
        size = sum(_size(entry) for entry in entries)
        if size > BATCH_LIMIT:
            raise ServiceError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {BATCH_LIMIT} bytes. You have sent {size} bytes.",
            )
        drafts: dict[str, OutgoingMessage] = {}
        failures: list[Members] = []
        for entry in entries:
            try:
                drafts[entry["Id"]] = _draft(queue, entry, call)
            except ServiceError as error:
                failures.append(failed(entry["Id"], error))

        def send(connection: sqlite3.Connection) -> dict[str, SentMessage]:
            now = now_ms()
            return {id_: messages.send(connection, queue, draft, now) for id_, draft in drafts.items()}

        sent = await self._store.write(send) if drafts else {}
        self._long_polls.wake(queue.id, len(sent))
        by_id = {entry["Id"]: entry for entry in entries}
        for id_ in sent:
            self._metrics.sent(queue, _size(by_id[id_]))
        successes = [{"Id": id_, **_answer(by_id[id_], drafts[id_], one)} for id_, one in sent.items()]
        return batch_response(successes, failures)


def _check_fifo_entry(queue: Queue, entry: Members) -> None:
    """Refuse the whole batch if an entry lacks what a FIFO queue requires, as AWS does."""
    _deduplication(queue, entry)
    if not entry.get("MessageGroupId"):
        raise invalid("The request must contain the parameter MessageGroupId.")


def _draft(queue: Queue, params: Members, call: OperationCall) -> OutgoingMessage:
    """Return the message that the parameters of a call, or of an entry, describe; raises SQS's error."""
    body, attributes = params["MessageBody"], params.get("MessageAttributes") or {}
    if not body:
        raise missing("MessageBody")
    if has_forbidden_characters(body):
        raise ServiceError(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are "
            "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        )
    check_message_attributes(attributes)
    for name, attribute in (params.get("MessageSystemAttributes") or {}).items():
        check_value(name, attribute)
    limit = queue.number("MaximumMessageSize")
    if _size(params) > limit:
        found = "are invalid" if params is call.params else "cannot be validated"
        raise invalid(f"One or more parameters {found}. Reason: Message must be shorter than {limit} bytes.")
    group, deduplication = params.get("MessageGroupId"), _deduplication(queue, params)
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication)):
        if value is not None and not _ID.fullmatch(value):
            raise invalid_parameter(
                value, name, f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
            )
    if queue.fifo and group is None:
        raise missing("MessageGroupId")
    given_trace = (params.get("MessageSystemAttributes") or {}).get("AWSTraceHeader", {}).get("StringValue")
    return OutgoingMessage(
        body=body,
        md5=text_md5(body),
        attributes=to_json(attributes),
        sender=call.caller.user_id,
        trace=given_trace or call.headers.get("x-amzn-trace-id"),
        group=group,
        deduplication=deduplication,
        delay_ms=1000 * _delay(queue, params.get("DelaySeconds")),
    )


def _deduplication(queue: Queue, params: Members) -> str | None:
    given: str | None = params.get("MessageDeduplicationId")
    if not queue.fifo:
        if given is not None:
            raise invalid_parameter(given, "MessageDeduplicationId", _NOT_OF_THIS_QUEUE)
        return None
    if given is None and queue.attributes["ContentBasedDeduplication"] == "true":
        return hashlib.sha256(params["MessageBody"].encode()).hexdigest()
    if given is None:
        raise invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )
    return given


def _delay(queue: Queue, given: int | None) -> int:
    if given is None or (queue.fifo and given == 0):
        return queue.number("DelaySeconds")
    if queue.fifo:
        raise invalid_parameter(given, "DelaySeconds", _NOT_OF_THIS_QUEUE)
    check_range(given, "DelaySeconds", 0, 900)
    return given


def _size(params: Members) -> int:
    return utf8_size(params["MessageBody"]) + attributes_size(params.get("MessageAttributes") or {})


def _answer(params: Members, draft: OutgoingMessage, sent: SentMessage) -> Members:
    return {
        "MD5OfMessageBody": draft.md5,
        "MD5OfMessageAttributes": attributes_md5(params.get("MessageAttributes") or {}),
        "MD5OfMessageSystemAttributes": attributes_md5(params.get("MessageSystemAttributes") or {}),
        "MessageId": sent.message_id,
        "SequenceNumber": sent.sequence_number,
    }
