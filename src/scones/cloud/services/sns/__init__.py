"""SNS: topics that deliver messages to queues and functions."""

from scones.cloud.services.sns.service import SNS

__all__ = ["SNS"]
