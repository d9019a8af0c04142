"""Metrics of topics: SNS Developer Guide, "Amazon SNS metrics"."""

from __future__ import annotations

from scones.cloud.core.arns import last_part
from scones.cloud.core.service_metrics import ServiceMetrics

NAMESPACE = "AWS/SNS"


def count_published(metrics: ServiceMetrics, topic: str, number: int) -> None:
    """Count the messages of a request to a topic, which its ARN names."""
    _add(metrics, topic, "NumberOfMessagesPublished", float(number))


def count_notification(metrics: ServiceMetrics, topic: str, *, delivered: bool) -> None:
    """Count a notification to a subscription of a topic, which its ARN names."""
    _add(metrics, topic, "NumberOfNotificationsDelivered" if delivered else "NumberOfNotificationsFailed", 1.0)


def _add(metrics: ServiceMetrics, topic: str, name: str, value: float) -> None:
    metrics.add(NAMESPACE, name, (("TopicName", last_part(topic)),), value)
