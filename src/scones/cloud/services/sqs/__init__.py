"""SQS: standard and FIFO queues in the store."""

from scones.cloud.services.sqs.service import SQS

__all__ = ["SQS"]
