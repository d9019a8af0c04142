"""Publishing messages."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import iso_milliseconds
from scones.cloud.core.text_size import utf8_size
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.errors import invalid, no_topic
from scones.cloud.services.sns.filters import FilteredMessage
from scones.cloud.services.sns.message_attributes import check_message_attributes
from scones.cloud.services.sns.outboxes import Outboxes
from scones.cloud.services.sns.platform_records import PlatformRecords
from scones.cloud.services.sns.topic_metrics import count_published
from scones.cloud.services.sns.topic_records import Topic, TopicRecords
from scones.cloud.services.sqs.message_attributes import attributes_size, to_json
from scones.cloud.wire import json_document
from scones.cloud.wire.members import Members

DEDUPLICATION_SECONDS = 300.0
"""Seconds for which a FIFO topic detects duplicates."""
BATCH_LIMIT = 262_144
"""Maximum size in bytes of a batch, and of one message unless the topic has MaximumMessageSize."""
_FIRST_SEQUENCE_NUMBER = 10_000_000_000_000_000_000
ENTRY_ID_LIMIT = 80
"""Maximum number of characters of a batch entry's Id."""
_PHONE_NUMBER = re.compile(r"\+?[1-9][0-9]{1,14}")
_ENTRY_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{ENTRY_ID_LIMIT}}}")


class PublishingOperations:
    """Publish and PublishBatch. Deliveries are on disk before the response, and are made from there."""

    def __init__(
        self, cloud: CloudContext, records: TopicRecords, platforms: PlatformRecords, outboxes: Outboxes
    ) -> None:
        self._cloud = cloud
        self._records = records
        self._platforms = platforms
        self._outboxes = outboxes

    async def publish(self, call: OperationCall) -> Members:
        """Publish one message."""
        topic = self._target(call.params)
        (published,) = await self._publish(topic, [_message(topic, call.params, call)])
        return published

    async def publish_batch(self, call: OperationCall) -> Members:
        """Publish up to ten messages in one write; an invalid entry fails the whole batch, as on AWS."""
        topic, entries = self._records.topic(call.params["TopicArn"]), call.params["PublishBatchRequestEntries"]
        _check_batch(entries)
        messages = [_message(topic, entry, call) for entry in entries]
        published = await self._publish(topic, messages)
        successes = [{"Id": entry["Id"], **each} for entry, each in zip(entries, published, strict=True)]
        return {"Successful": successes, "Failed": []}

    def _target(self, params: Members) -> Topic:
        if (number := params.get("PhoneNumber")) is not None:
            if not _PHONE_NUMBER.fullmatch(number):
                raise invalid(f"PhoneNumber Reason: {number} is not valid to publish to")
            raise invalid("PhoneNumber Reason: the local cloud does not send text messages; publish to a topic")
        arn = params.get("TopicArn", params.get("TargetArn"))
        if arn is None:
            raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
        if ":endpoint/" in arn:
            self._refuse_endpoint(arn)
        return self._records.topic(arn)

    def _refuse_endpoint(self, arn: str) -> None:
        """Raise the error for a platform endpoint, to which the local cloud sends nothing."""
        endpoint = self._platforms.find_endpoint(arn)
        if endpoint is None:
            raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
        if endpoint.attributes["Enabled"].lower() != "true":
            raise ServiceError("EndpointDisabled", "Endpoint is disabled")
        raise invalid("TargetArn Reason: the local cloud does not send push notifications; publish to a topic")

    async def _publish(self, topic: Topic, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Store and start the deliveries of messages; return the messages' IDs and sequence numbers."""
        count_published(self._cloud.metrics, topic.arn, len(messages))
        subscriptions = [each for each in self._records.subscriptions(topic.arn) if not each.pending]
        async with TimeSlices() as slices:
            receivers = {}
            for message in messages:
                filtered = FilteredMessage(message)
                receivers[message["MessageId"]] = [
                    each for each in subscriptions if await filtered.accepted_by(each, slices)
                ]

        def keep(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            published = []
            for message in messages:
                known = _number(connection, topic, message) if topic.fifo else None
                if known is None:
                    self._outboxes.put(connection, receivers[message["MessageId"]], message)
                published.append(known or {"MessageId": message["MessageId"], "SequenceNumber": _sequence(message)})
            return published

        if not topic.fifo and not any(receivers.values()):
            return [{"MessageId": message["MessageId"]} for message in messages]
        published = await self._cloud.store.write(keep)
        for each in receivers.values():
            self._outboxes.wake(each)
        return published


def _number(connection: sqlite3.Connection, topic: Topic, message: dict[str, Any]) -> dict[str, Any] | None:
    """Set a FIFO message's sequence number; if it is a duplicate, return the IDs of the earlier message instead."""
    scope = message["MessageGroupId"] if topic.attributes.get("FifoThroughputScope") == "MessageGroup" else ""
    key, now = (topic.arn, scope, message["MessageDeduplicationId"]), time.time()
    row = connection.execute(
        "SELECT * FROM sns_deduplications WHERE topic = ? AND scope = ? AND id = ? AND sent > ?",
        (*key, now - DEDUPLICATION_SECONDS),
    ).fetchone()
    if row is not None:
        return {"MessageId": row["message_id"], "SequenceNumber": str(_FIRST_SEQUENCE_NUMBER + row["number"])}
    connection.execute("UPDATE sns_topics SET sequence = sequence + 1 WHERE arn = ?", (topic.arn,))
    row = connection.execute("SELECT sequence FROM sns_topics WHERE arn = ?", (topic.arn,)).fetchone()
    if row is None:  # deleted meanwhile
        raise no_topic()
    connection.execute(
        "INSERT OR REPLACE INTO sns_deduplications VALUES (?, ?, ?, ?, ?, ?)",
        (*key, message["MessageId"], row["sequence"], now),
    )
    connection.execute(
        "DELETE FROM sns_deduplications WHERE topic = ? AND sent <= ?", (topic.arn, now - DEDUPLICATION_SECONDS)
    )
    message["SequenceNumber"] = str(_FIRST_SEQUENCE_NUMBER + row["sequence"])
    return None


def _sequence(message: dict[str, Any]) -> str | None:
    return message["SequenceNumber"] or None


def _message(topic: Topic, params: Members, call: OperationCall) -> dict[str, Any]:
    """Return the message that the parameters describe, in the outbox's form; raises SNS's error."""
    text, attributes = params["Message"], params.get("MessageAttributes") or {}
    if not text:
        raise invalid("Empty message")
    check_message_attributes(attributes)
    limit = int(topic.attributes.get("MaximumMessageSize", BATCH_LIMIT))
    if utf8_size(text) + attributes_size(attributes) > limit:
        raise invalid("Message too long")
    subject, structure = params.get("Subject"), params.get("MessageStructure")
    if subject is not None and (not 0 < len(subject) <= 100 or "\n" in subject):
        raise invalid("Subject")
    if structure == "json":
        _check_structure(text)
    elif structure:
        raise invalid("MessageStructure")
    return {
        "MessageId": str(uuid.uuid4()),
        "SequenceNumber": "",
        "Message": text,
        "Subject": subject,
        "MessageStructure": structure,
        "MessageAttributes": to_json(attributes),
        "MessageGroupId": _group(topic, params),
        "MessageDeduplicationId": _deduplication(topic, params),
        "Timestamp": iso_milliseconds(datetime.now(UTC)),
        "Trace": call.headers.get("x-amzn-trace-id"),
    }


def _check_structure(text: str) -> None:
    try:
        texts = json_document.load_text(text)
    except ValueError as error:
        raise invalid("Message Structure - JSON message body failed to parse") from error
    if not isinstance(texts, dict) or not isinstance(texts.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")


def _group(topic: Topic, params: Members) -> str | None:
    group: str | None = params.get("MessageGroupId")
    if topic.fifo and not group:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    return group


def _deduplication(topic: Topic, params: Members) -> str | None:
    given: str | None = params.get("MessageDeduplicationId")
    if not topic.fifo:
        if given:
            raise invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not "
                "valid for this topic type"
            )
        return None
    if given:
        return given
    if topic.attributes.get("ContentBasedDeduplication") != "true":
        raise invalid(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )
    return hashlib.sha256(params["Message"].encode()).hexdigest()


def _check_entry_id(entry_id: str) -> None:
    if not _ENTRY_ID.fullmatch(entry_id):
        too_long = len(entry_id) > ENTRY_ID_LIMIT
        reason = "is too long" if too_long else "contains an impermissible character"
        raise ServiceError("InvalidBatchEntryId", f"The Id of a batch entry in the batch request {reason}: {entry_id}")


def _check_batch(entries: list[Members]) -> None:
    if not entries:
        raise ServiceError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > 10:
        raise ServiceError("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
    ids = [entry["Id"] for entry in entries]
    for each in ids:
        _check_entry_id(each)
    if len(set(ids)) < len(ids):
        raise ServiceError("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
    size = sum(utf8_size(each["Message"]) + attributes_size(each.get("MessageAttributes") or {}) for each in entries)
    if size > BATCH_LIMIT:
        raise ServiceError("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
