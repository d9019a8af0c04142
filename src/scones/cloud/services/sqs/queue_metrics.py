"""Metrics of queues: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"."""

from __future__ import annotations

import asyncio
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.service_metrics import Dimensions
from scones.cloud.services.sqs.queues import Queue, Queues

NAMESPACE = "AWS/SQS"
ACTIVE_SECONDS = 6 * 3600.0
"""Seconds after a queue's last use until its messages are no longer counted, as on AWS."""
MAX_COUNTED = 500
"""Maximum number of queues whose messages are counted; those that were used last."""
FIRST_SECONDS, SECONDS = 5.0, 60.0
"""Seconds until the messages of queues are counted, after the first use of a queue and after each count."""


class QueueMetrics:
    """Publishes what operations did, and every minute the numbers of messages in queues that are in use."""

    def __init__(self, cloud: CloudContext, queues: Queues) -> None:
        self._cloud = cloud
        self._queues = queues
        self._used: dict[str, float] = {}
        """Times of the last use by queue name, the oldest first."""
        self._is_counting = False

    def use(self, name: str) -> None:
        """Count the messages of a queue from now on, because it was created or used."""
        self._used.pop(name, None)
        self._used[name] = time.monotonic()
        if len(self._used) > MAX_COUNTED:
            del self._used[next(iter(self._used))]
        if not self._is_counting:
            self._is_counting = True
            self._cloud.spawn(self._count_regularly(), name="numbers of messages")

    def sent(self, queue: Queue, size: int) -> None:
        """Record a message that was sent."""
        self._add(queue, "NumberOfMessagesSent", 1.0)
        self._add(queue, "SentMessageSize", float(size), unit="Bytes")

    def received(self, queue: Queue, number: int) -> None:
        """Record the messages of a receive."""
        if number:
            self._add(queue, "NumberOfMessagesReceived", float(number))
        else:
            self._add(queue, "NumberOfEmptyReceives", 1.0)

    def deleted(self, queue: Queue, number: int) -> None:
        """Record messages that were deleted."""
        if number:
            self._add(queue, "NumberOfMessagesDeleted", float(number))

    def _add(self, queue: Queue, name: str, value: float, *, unit: str = "Count") -> None:
        self._cloud.metrics.add(NAMESPACE, name, _dimensions(queue), value, unit=unit)
        self.use(queue.name)

    async def _count_regularly(self) -> None:
        """Count the messages of all queues in use until none is."""
        try:
            await asyncio.sleep(FIRST_SECONDS)
            while self._used:
                for name in tuple(self._used):
                    queue = self._queues.named(name)
                    if queue is None or time.monotonic() - self._used[name] > ACTIVE_SECONDS:
                        del self._used[name]
                    else:
                        await self._count(queue)
                await asyncio.sleep(SECONDS)
        finally:
            self._is_counting = False

    async def _count(self, queue: Queue) -> None:
        counts, metrics, dimensions = await self._queues.counts(queue), self._cloud.metrics, _dimensions(queue)
        age = max(0.0, time.time() - counts.oldest / 1000) if counts.oldest else 0.0
        metrics.add(NAMESPACE, "ApproximateNumberOfMessagesVisible", dimensions, counts.visible)
        metrics.add(NAMESPACE, "ApproximateNumberOfMessagesNotVisible", dimensions, counts.in_flight)
        metrics.add(NAMESPACE, "ApproximateNumberOfMessagesDelayed", dimensions, counts.delayed)
        metrics.add(NAMESPACE, "ApproximateAgeOfOldestMessage", dimensions, round(age), unit="Seconds")


def _dimensions(queue: Queue) -> Dimensions:
    return (("QueueName", queue.name),)
