"""The SQS service."""

from __future__ import annotations

from typing import ClassVar

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.service import Service
from scones.cloud.services.sqs import messages, move_tasks, queues
from scones.cloud.services.sqs.errors import require
from scones.cloud.services.sqs.long_polls import LongPolls
from scones.cloud.services.sqs.move_task_operations import MoveTaskOperations
from scones.cloud.services.sqs.move_tasks import MoveTasks
from scones.cloud.services.sqs.permissions import PermissionOperations
from scones.cloud.services.sqs.queue_metrics import QueueMetrics
from scones.cloud.services.sqs.queue_operations import QueueOperations
from scones.cloud.services.sqs.queues import Queues
from scones.cloud.services.sqs.receiving import ReceivingOperations
from scones.cloud.services.sqs.retention import MessageRetention
from scones.cloud.services.sqs.sending import SendingOperations
from scones.cloud.wire.members import Members


class SQS(Service):
    """The SQS API; messages are rows of the store."""

    name: ClassVar[str] = "sqs"
    groups = (QueueOperations, PermissionOperations, SendingOperations, ReceivingOperations, MoveTaskOperations)
    schema: ClassVar[str] = ";".join((queues.SCHEMA, messages.SCHEMA, move_tasks.SCHEMA))

    def __init__(self, cloud: CloudContext) -> None:
        stored_queues, self._long_polls = Queues(cloud), LongPolls()
        metrics = QueueMetrics(cloud, stored_queues)
        self._retention = MessageRetention(cloud.store, stored_queues)
        self._move_tasks = MoveTasks(cloud, stored_queues, self._long_polls)
        super().__init__(
            cloud,
            QueueOperations(cloud, stored_queues, self._long_polls, metrics),
            PermissionOperations(stored_queues),
            SendingOperations(cloud.store, stored_queues, self._long_polls, metrics),
            ReceivingOperations(cloud.store, stored_queues, self._long_polls, metrics),
            MoveTaskOperations(cloud.store, stored_queues, self._move_tasks),
        )

    async def start(self) -> None:
        """Start to delete messages past their retention period, unless in recovery, and plan to resume move tasks."""
        if not self.cloud.resumption.recover:
            self.cloud.spawn(self._retention.sweep(), name="sqs retention")
        self._move_tasks.plan_resumption()

    def drain(self) -> None:
        """End all long polls."""
        self._long_polls.end()

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise SQS's error if a required parameter is missing; the operations check the rest themselves.

        SQS has its own messages for values that are out of range.
        """
        require(params, shape)
