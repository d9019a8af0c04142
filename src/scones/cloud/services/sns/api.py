"""The SNS service."""

from __future__ import annotations

from scones.cloud.services.sns.publishing import PublishingOperations
from scones.cloud.services.sns.subscriptions import SubscriptionOperations
from scones.cloud.services.sns.topics import TopicOperations


class SNS(TopicOperations, SubscriptionOperations, PublishingOperations):
    """Topics whose messages are delivered from the store."""

    async def start(self) -> None:
        """Go on with the deliveries that a former process left."""
        self._outbox.start()
