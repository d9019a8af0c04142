"""Pollers of event source mappings, which pass messages of queues to functions in batches."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
import uuid
from collections.abc import Iterator

from scones.cloud.context import CloudContext
from scones.cloud.core.json_types import JsonDocument
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.core.text_size import utf8_size
from scones.cloud.delivery.targets import queue_url
from scones.cloud.errors import ServiceError
from scones.cloud.patterns import read_pattern
from scones.cloud.services.lambda_.event_sources.event_sources import EventSourceMapping, EventSourceMappings
from scones.cloud.services.lambda_.functions.names import FunctionName
from scones.cloud.services.lambda_.invoke.invoker import Invoker
from scones.cloud.wire import json_document
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

Message = Members
"""A message that ReceiveMessage returned."""
Record = JsonDocument
"""A message in an event, as Lambda's documentation shows it."""

CONCURRENT_BATCHES = 5
"""Maximum concurrent batches of a mapping without MaximumConcurrency: the number that AWS begins with."""
POLL_SECONDS = 20
PAUSE_SECONDS = 5.0
"""Seconds to wait after a queue or a function was not found; it may be created again."""
PAYLOAD_LIMIT = 6_291_456
"""Maximum bytes of the event of one batch: Lambda's limit on the payload of a synchronous invocation."""
_HEAD, _SEPARATOR, _TAIL = '{"Records": [', ", ", "]}"


class Pollers:
    """Polls the queue of each enabled mapping, one receive at a time; batches run concurrently with it."""

    def __init__(self, cloud: CloudContext, mappings: EventSourceMappings, invoker: Invoker) -> None:
        self._cloud = cloud
        self._mappings = mappings
        self._invoker = invoker
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def start(self) -> None:
        """Plan the resumption of the stored mappings."""
        self._cloud.resumption.plan(self._resumable(identity) for identity in self._mappings.enabled())

    def _resumable(self, mapping_id: str) -> ResumableWork:
        async def take_up() -> None:
            if mapping_id not in self._tasks:  # updated meanwhile
                self.restart(self._mappings.get(mapping_id))

        async def give_up(_reason: str) -> None:
            await self._mappings.put({**self._mappings.get(mapping_id), "State": "Disabled"})

        return ResumableWork("event source mapping", mapping_id, take_up, give_up)

    def drain(self) -> None:
        """Stop receiving messages."""
        self._stopped = True

    def restart(self, mapping: EventSourceMapping) -> None:
        """Stop polling for a mapping; start again with its current settings if it is enabled."""
        self.stop_polling(mapping["UUID"])
        if mapping["State"] == "Enabled":
            work = self._poll(mapping)
            self._tasks[mapping["UUID"]] = self._cloud.spawn(work, name=f"poll {mapping['EventSourceArn']}")

    def stop_polling(self, mapping_id: str) -> None:
        """Stop polling for a mapping; messages in flight become visible again after their visibility timeout."""
        if task := self._tasks.pop(mapping_id, None):
            task.cancel()

    async def _poll(self, mapping: EventSourceMapping) -> None:
        concurrency = mapping.get("ScalingConfig", {}).get("MaximumConcurrency", CONCURRENT_BATCHES)
        room = asyncio.Semaphore(concurrency)
        while not self._stopped:
            await room.acquire()
            try:
                self._invoker.find(FunctionName.parse(mapping["FunctionArn"]))
                messages = await self._collect(mapping)
            except ServiceError as error:
                log.warning("Event source mapping %s is waiting: %s", mapping["UUID"], error)
                await asyncio.sleep(PAUSE_SECONDS)
                messages = []
            except Exception:  # an error of the cloud itself must not end the mapping
                log.exception("Event source mapping %s could not receive messages; retrying", mapping["UUID"])
                await asyncio.sleep(PAUSE_SECONDS)
                messages = []
            if not messages:
                room.release()
                continue
            batch = self._cloud.spawn(self._process(mapping, messages), name=f"batch for {mapping['FunctionArn']}")
            batch.add_done_callback(lambda _: room.release())

    async def _collect(self, mapping: EventSourceMapping) -> list[Message]:
        """Return a batch: the messages of one receive, or those that arrive within the batching window."""
        size, window = mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]
        messages = await self._receive(mapping, size, POLL_SECONDS)
        end, bodies = time.monotonic() + window, _size(messages)
        while messages and len(messages) < size and not self._stopped:
            left = end - time.monotonic()
            if left <= 0 or bodies >= PAYLOAD_LIMIT:
                break
            more = await self._receive(mapping, size - len(messages), min(left, POLL_SECONDS))
            messages += more
            bodies += _size(more)
        return messages

    async def _receive(self, mapping: EventSourceMapping, limit: int, seconds: float) -> list[Message]:
        params = {
            "QueueUrl": queue_url(self._cloud, mapping["EventSourceArn"]),
            "MaxNumberOfMessages": min(limit, 10),
            "WaitTimeSeconds": seconds,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        return (await self._cloud.call("sqs", "ReceiveMessage", params))["Messages"] or []

    async def _process(self, mapping: EventSourceMapping, messages: list[Message]) -> None:
        """Run the function on a batch and delete the processed messages.

        The other messages become visible again after their visibility timeout. Messages that no filter accepts are
        deleted without an invocation, as on AWS.
        """
        matching = [message for message in messages if await _passes(mapping, self._record(mapping, message))]
        try:
            failed = await self._invoke(mapping, matching)
            done = [message for message in messages if message["MessageId"] not in failed]
            for begin in range(0, len(done), 10):
                entries = [
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(done[begin : begin + 10])
                ]
                params = {"QueueUrl": queue_url(self._cloud, mapping["EventSourceArn"]), "Entries": entries}
                await self._cloud.call("sqs", "DeleteMessageBatch", params)
        except ServiceError as error:  # throttled, or deleted meanwhile
            log.warning(
                "A batch of %s could not be passed to %s: %s", mapping["EventSourceArn"], mapping["FunctionArn"], error
            )

    async def _invoke(self, mapping: EventSourceMapping, messages: list[Message]) -> set[str]:
        """Invoke the function with messages; return the ids of those that it failed to process.

        Messages that exceed an invocation's payload are passed in several invocations. The messages of a FIFO queue
        that follow a failed invocation fail too, to keep their order.
        """
        failed: set[str] = set()
        for identities, payload in _events([self._record(mapping, message) for message in messages]):
            if failed and mapping["EventSourceArn"].endswith(".fifo"):
                failed |= identities
            else:
                failed |= await self._invoke_once(mapping, identities, payload)
        return failed

    async def _invoke_once(self, mapping: EventSourceMapping, everything: set[str], payload: bytes) -> set[str]:
        """Invoke the function with one event; return the ids of the messages that it failed to process."""
        function = FunctionName.parse(mapping["FunctionArn"])
        version, request_id = self._invoker.find(function), str(uuid.uuid4())
        outcome = await self._invoker.invoke(version, function, payload, request_id=request_id)
        if outcome.function_error is not None:
            return everything
        if "ReportBatchItemFailures" not in mapping["FunctionResponseTypes"]:
            return set()
        return _failed_message_ids(outcome.payload, everything)

    def _record(self, mapping: EventSourceMapping, message: Message) -> Record:
        """Return a message in the format of a function's event."""
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"] or {},
            "messageAttributes": {
                name: _attribute(value) for name, value in (message["MessageAttributes"] or {}).items()
            },
            "md5OfMessageAttributes": message.get("MD5OfMessageAttributes"),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": mapping["EventSourceArn"],
            "awsRegion": self._cloud.settings.region,
        }


def _size(messages: list[Message]) -> int:
    """Return the number of bytes of the messages' bodies."""
    return sum(utf8_size(message["Body"]) for message in messages)


def _events(records: list[Record]) -> Iterator[tuple[set[str], bytes]]:
    """Yield events with all records: the ids of an event's messages, and its JSON of at most `PAYLOAD_LIMIT` bytes."""
    identities: set[str] = set()
    texts: list[str] = []
    size = 0
    for record in records:
        text = json.dumps(record, ensure_ascii=False)
        added = utf8_size(text) + len(_SEPARATOR)
        if texts and len(_HEAD) + size + added + len(_TAIL) > PAYLOAD_LIMIT:
            yield identities, f"{_HEAD}{_SEPARATOR.join(texts)}{_TAIL}".encode()
            identities, texts, size = set(), [], 0
        identities.add(record["messageId"])
        texts.append(text)
        size += added
    if texts:
        yield identities, f"{_HEAD}{_SEPARATOR.join(texts)}{_TAIL}".encode()


def _attribute(value: Members) -> Record:
    text, binary = value.get("StringValue"), value.get("BinaryValue")
    return {
        **({"stringValue": text} if text is not None else {}),
        **({"binaryValue": base64.b64encode(binary).decode()} if binary is not None else {}),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


async def _passes(mapping: EventSourceMapping, record: Record) -> bool:
    """Return True if one of a mapping's filters accepts a record, or if the mapping has no filters."""
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    for each in filters:
        if await _matches(each.get("Pattern", "{}"), record):
            return True
    return not filters


async def _matches(text: str, record: Record) -> bool:
    """Match a record against a pattern.

    If the pattern names fields of `body`, the body has to be a JSON object; otherwise the body is matched as text.
    """
    pattern = read_pattern(text)
    if pattern.names_fields_of("body"):
        try:
            content = json_document.load_text(record["body"])
        except ValueError:
            return False
        if not isinstance(content, dict):
            return False
        record = record | {"body": content}
    return await pattern.matches(record)


def _failed_message_ids(payload: bytes, everything: set[str]) -> set[str]:
    """Return the ids of the messages that a function reported as failed; an invalid report fails all of them."""
    try:
        report = json.loads(payload or b"null")
        failures = (report or {}).get("batchItemFailures") or []
        named = {failure["itemIdentifier"] for failure in failures}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return everything
    return named if named <= everything else everything
