"""The base of SQS's operation groups."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.service import Handler, OperationCall, Service
from scones.cloud.services.sqs.errors import require
from scones.cloud.services.sqs.long_polls import LongPolls
from scones.cloud.services.sqs.queues import Queue, Queues
from scones.cloud.wire.model import operation_model

_UNVALIDATED_MEMBERS = (
    "AddPermission",
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ListMessageMoveTasks",
    "RemovePermission",
    "StartMessageMoveTask",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
)


class SqsBase(Service):
    """The service's state. Missing parameters raise SQS's own error, also for callers inside the cloud."""

    name: ClassVar[str] = "sqs"
    validation_code: ClassVar[str] = "InvalidParameterValue"
    unvalidated_members: ClassVar[frozenset[str]] = frozenset(f"{name}Request" for name in _UNVALIDATED_MEMBERS)

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self._queues = Queues(cloud)
        self._long_polls = LongPolls()

    def handler(self, operation: str) -> Handler | None:
        """Return an operation's handler, which checks for missing parameters first, or None."""
        handler = super().handler(operation)
        shape = operation_model("sqs", operation).input_shape
        if handler is None or shape is None:
            return handler

        async def checked(call: OperationCall) -> Any:
            require(call.params, shape)
            return await handler(call)

        return checked

    def _queue(self, call: OperationCall) -> Queue:
        """Return the queue that a call's QueueUrl names."""
        return self._queues.at(call.params["QueueUrl"])


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
