"""SNS: topics that deliver messages to queues and functions."""

from scones.cloud.services.sns.api import SNS

__all__ = ["SNS"]
