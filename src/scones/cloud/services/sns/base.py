"""The base of SNS's operation groups."""

from __future__ import annotations

from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.core.outbox import Outbox
from scones.cloud.service import Service
from scones.cloud.services.sns import topic_records as records
from scones.cloud.services.sns.delivery import MessageDelivery
from scones.cloud.services.sns.topic_records import TopicRecords

OUTBOX = "sns_deliveries"


class SnsBase(Service):
    """The service's state: its records and its outbox."""

    name: ClassVar[str] = "sns"
    schema: ClassVar[str] = records.SCHEMA + ";" + Outbox.schema(OUTBOX)
    validation_code: ClassVar[str] = "ValidationError"

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self._records = TopicRecords(cloud)
        delivery = MessageDelivery(cloud, self._records)
        self._outbox = Outbox(
            cloud, OUTBOX, delivery.deliver, delivery.failed, ordered=lambda subscription: ".fifo:" in subscription
        )
