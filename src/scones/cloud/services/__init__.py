"""The services of the local cloud, one module or package per AWS service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scones.cloud.service import Service


def offered() -> list[type[Service]]:
    """Return the services in the order in which they start: each may call those before it."""
    from scones.cloud.services.cloudwatch import CloudWatch
    from scones.cloud.services.events import EventBridge
    from scones.cloud.services.identity import IdentityAndAccessManagement, SecurityTokenService
    from scones.cloud.services.lambda_ import Lambda
    from scones.cloud.services.logs import Logs
    from scones.cloud.services.s3 import S3
    from scones.cloud.services.sagemaker import SageMaker, SageMakerRuntime
    from scones.cloud.services.sns import SNS
    from scones.cloud.services.sqs import SQS
    from scones.cloud.services.states.api import StepFunctions

    return [
        SecurityTokenService,
        IdentityAndAccessManagement,
        Logs,
        CloudWatch,
        S3,
        SQS,
        Lambda,
        SNS,
        SageMaker,
        SageMakerRuntime,
        StepFunctions,
        EventBridge,
    ]
