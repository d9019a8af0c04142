"""The SNS service."""

from __future__ import annotations

from scones.cloud.services.sns.publishing import PublishingOperations
from scones.cloud.services.sns.subscriptions import SubscriptionOperations
from scones.cloud.services.sns.topics import TopicOperations


class SNS(TopicOperations, SubscriptionOperations, PublishingOperations):
    """The SNS API; messages are delivered from an outbox in the store."""

    async def start(self) -> None:
        """Resume the deliveries that an earlier process left."""
        self._outbox.start()
