"""The SNS service."""

from __future__ import annotations

from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.service import Service
from scones.cloud.services.sns import topic_records
from scones.cloud.services.sns.delivery import MessageDelivery
from scones.cloud.services.sns.permissions import PermissionOperations
from scones.cloud.services.sns.publishing import PublishingOperations
from scones.cloud.services.sns.subscriptions import SubscriptionOperations
from scones.cloud.services.sns.topic_records import TopicRecords
from scones.cloud.services.sns.topics import TopicOperations

_OUTBOX = "sns_deliveries"


class SNS(Service):
    """The SNS API; messages are delivered from an outbox in the store."""

    name: ClassVar[str] = "sns"
    groups = (TopicOperations, PermissionOperations, SubscriptionOperations, PublishingOperations)
    schema: ClassVar[str] = topic_records.SCHEMA + ";" + Outbox.schema(_OUTBOX)
    validation_code: ClassVar[str] = "ValidationError"

    def __init__(self, cloud: CloudContext) -> None:
        records = TopicRecords(cloud)
        delivery = MessageDelivery(cloud, records)
        self._outbox = Outbox(
            cloud, _OUTBOX, delivery.deliver, delivery.failed, ordered=lambda subscription: ".fifo:" in subscription
        )
        super().__init__(
            cloud,
            TopicOperations(cloud, records),
            PermissionOperations(records, cloud.settings.account),
            SubscriptionOperations(cloud, records),
            PublishingOperations(cloud, records, self._outbox),
        )

    async def start(self) -> None:
        """Resume the deliveries that an earlier process left unfinished."""
        self._outbox.start()
