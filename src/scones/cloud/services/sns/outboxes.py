"""Stored deliveries of messages to subscriptions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.services.sns.delivery import MessageDelivery
from scones.cloud.services.sns.topic_records import Subscription

_QUEUES_AND_FUNCTIONS = "sns_deliveries"
_ENDPOINTS = "sns_http_deliveries"
SCHEMA = Outbox.schema(_QUEUES_AND_FUNCTIONS) + ";" + Outbox.schema(_ENDPOINTS)


class Outboxes:
    """Two outboxes: HTTP endpoints that do not respond must not delay queues and functions."""

    def __init__(self, cloud: CloudContext, delivery: MessageDelivery) -> None:
        self._inside = Outbox(
            cloud, _QUEUES_AND_FUNCTIONS, delivery.deliver, delivery.failed, ordered=lambda lane: ".fifo:" in lane
        )
        self.endpoints = Outbox(cloud, _ENDPOINTS, delivery.deliver, delivery.failed)

    def start(self) -> None:
        """Plan the resumption of deliveries that an earlier process left unfinished."""
        self._inside.start()
        self.endpoints.start()

    def put(self, connection: sqlite3.Connection, subscriptions: Iterable[Subscription], message: Any) -> None:
        """Store the deliveries of a message inside a write; call `wake` when the write is on disk."""
        for outbox, lanes in self._lanes(subscriptions):
            if lanes:
                outbox.put(connection, lanes, message)

    def wake(self, subscriptions: Iterable[Subscription]) -> None:
        """Start the deliveries to these subscriptions."""
        for outbox, lanes in self._lanes(subscriptions):
            outbox.wake(dict.fromkeys(lanes))

    def _lanes(self, subscriptions: Iterable[Subscription]) -> list[tuple[Outbox[dict[str, Any]], list[str]]]:
        """Return each outbox with the ARNs of its subscriptions, which are its lanes."""
        inside: list[str] = []
        endpoints: list[str] = []
        for each in subscriptions:
            (endpoints if each.to_endpoint else inside).append(each.arn)
        return [(self._inside, inside), (self.endpoints, endpoints)]
