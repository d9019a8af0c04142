"""Delivery of messages to queues, functions and HTTP endpoints."""

from __future__ import annotations

import json
import logging
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.delivery.http_post import post
from scones.cloud.delivery.targets import TargetMessage, send, send_to_queue
from scones.cloud.errors import ServiceError
from scones.cloud.services.sns.delivery_policies import DEFAULT_CONTENT_TYPE, content_type
from scones.cloud.services.sns.envelope import Envelopes, text_for
from scones.cloud.services.sns.topic_metrics import count_notification
from scones.cloud.services.sns.topic_records import Subscription, TopicRecords
from scones.cloud.services.sqs.message_attributes import from_json

log = logging.getLogger(__name__)

CONFIRMED = "Subscription"
"""Member of a message that asks an endpoint for a confirmation: the subscription."""

_NOT_SENT = {"sms": "text messages", "application": "push notifications"}


class MessageDelivery:
    """Makes the outboxes' deliveries, each of one message to one subscription."""

    def __init__(self, cloud: CloudContext, records: TopicRecords, envelopes: Envelopes) -> None:
        self._cloud = cloud
        self._records = records
        self._envelopes = envelopes

    async def deliver(self, lane: str, message: dict[str, Any]) -> None:
        """Deliver a message to the subscription whose ARN is `lane`; do nothing if it was deleted meanwhile."""
        if CONFIRMED in message:
            await self._ask_for_confirmation(Subscription(**message[CONFIRMED]), message)
            return
        try:
            subscription = self._records.subscription(lane)
        except ServiceError:
            return
        if kind := _NOT_SENT.get(subscription.protocol):
            log.warning("The local cloud sends no %s: %s to %s", kind, message["MessageId"], subscription.endpoint)
            return
        if subscription.protocol == "lambda":
            event = await self._envelopes.lambda_event(message, subscription)
            await send(self._cloud, subscription.endpoint, TargetMessage(text=event))
        elif subscription.to_endpoint:
            await self._post(subscription, message)
        else:
            await self._send_to_queue(subscription.endpoint, subscription, message)
        count_notification(self._cloud.metrics, subscription.topic, delivered=True)

    async def _ask_for_confirmation(self, subscription: Subscription, message: dict[str, Any]) -> None:
        text = await self._envelopes.confirmation(message, subscription)
        named = _headers(message["Type"], message["MessageId"], subscription)
        if subscription.pending:  # an endpoint does not know the ARN yet
            del named["x-amz-sns-subscription-arn"]
        await post(subscription.endpoint, named, text.encode())

    async def _post(self, subscription: Subscription, message: dict[str, Any]) -> None:
        """Send a message to an HTTP endpoint; with raw delivery, its attributes are left out, as on AWS."""
        named = _headers("Notification", message["MessageId"], subscription)
        topic = self._records.topic(subscription.topic)
        named["Content-Type"] = content_type(topic.attributes, subscription.attributes)
        if subscription.raw:
            named["x-amz-sns-rawdelivery"] = "true"
            text = text_for(message, subscription.protocol)
        else:
            text = await self._envelopes.notification(message, subscription)
        await post(subscription.endpoint, named, text.encode())

    async def failed(self, lane: str, message: dict[str, Any], error: ServiceError) -> None:
        """Send an undeliverable message to the subscription's dead-letter queue, or log it if there is none."""
        if CONFIRMED in message:
            endpoint = message[CONFIRMED]["endpoint"]
            log.warning("A %s could not be delivered to %s: %s", message["Type"], endpoint, error)
            return
        try:
            subscription = self._records.subscription(lane)
        except ServiceError:
            return
        count_notification(self._cloud.metrics, subscription.topic, delivered=False)
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
            text=text_for(message, subscription.protocol)
            if raw
            else await self._envelopes.notification(message, subscription),
            attributes=from_json(message["MessageAttributes"]) if raw else {},
            group=message["MessageGroupId"] if to_fifo or not from_fifo else None,
            deduplication_id=message["MessageDeduplicationId"] if to_fifo else None,
            trace=message.get("Trace"),
        )
        await send_to_queue(self._cloud, queue, sent)


def _headers(kind: str, message_id: str, subscription: Subscription) -> dict[str, str]:
    return {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": subscription.topic,
        "x-amz-sns-subscription-arn": subscription.arn,
        "Content-Type": DEFAULT_CONTENT_TYPE,
        "User-Agent": "Amazon Simple Notification Service Agent",
        "Accept-Encoding": "gzip,deflate",
    }
