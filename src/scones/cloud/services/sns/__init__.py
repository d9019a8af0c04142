"""SNS: topics that deliver to queues and functions."""

from scones.cloud.services.sns.api import SNS

__all__ = ["SNS"]
