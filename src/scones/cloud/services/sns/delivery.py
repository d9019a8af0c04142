"""Delivery of messages to queues and functions."""

from __future__ import annotations

import json
import logging
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.delivery.targets import TargetMessage, send, send_to_queue
from scones.cloud.errors import ServiceError
from scones.cloud.services.sns.envelope import lambda_event, notification, text_for
from scones.cloud.services.sns.topic_records import Subscription, TopicRecords
from scones.cloud.services.sqs.message_attributes import from_json

log = logging.getLogger(__name__)


class MessageDelivery:
    """Makes the outbox's deliveries, each of one message to one subscription."""

    def __init__(self, cloud: CloudContext, records: TopicRecords) -> None:
        self._cloud = cloud
        self._records = records

    async def deliver(self, lane: str, message: dict[str, Any]) -> None:
        """Deliver a message to the subscription whose ARN is `lane`; do nothing if it was deleted meanwhile."""
        try:
            subscription = self._records.subscription(lane)
        except ServiceError:
            return
        if subscription.protocol == "sms":
            log.warning("The local cloud sends no text messages: %s to %s", message["MessageId"], subscription.endpoint)
        elif subscription.protocol == "lambda":
            event = lambda_event(message, subscription, self._cloud.url)
            await send(self._cloud, subscription.endpoint, TargetMessage(text=event))
        else:
            await self._send_to_queue(subscription.endpoint, subscription, message)

    async def failed(self, lane: str, message: dict[str, Any], error: ServiceError) -> None:
        """Send an undeliverable message to the subscription's dead-letter queue, or log it if there is none."""
        try:
            subscription = self._records.subscription(lane)
        except ServiceError:
            return
        policy = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
        target = policy.get("deadLetterTargetArn")
        where = f"{message['MessageId']} to {subscription.protocol} {subscription.endpoint}"
        if target is None:
            log.warning("Notification %s could not be delivered: %s", where, error)
            return
        try:
            await self._send_to_queue(target, subscription, message)
        except ServiceError as second:
            log.warning("Notification %s could not be delivered: %s; dead-letter queue: %s", where, error, second)

    async def _send_to_queue(self, queue: str, subscription: Subscription, message: dict[str, Any]) -> None:
        raw, to_fifo = subscription.raw, queue.endswith(".fifo")
        from_fifo = bool(message["SequenceNumber"])  # a FIFO topic does not pass its groups on to a standard queue
        sent = TargetMessage(
            text=text_for(message, "sqs") if raw else notification(message, subscription, self._cloud.url),
            attributes=from_json(message["MessageAttributes"]) if raw else {},
            group=message["MessageGroupId"] if to_fifo or not from_fifo else None,
            deduplication_id=message["MessageDeduplicationId"] if to_fifo else None,
        )
        await send_to_queue(self._cloud, queue, sent)
