"""The list of the services of the local cloud."""

from __future__ import annotations

from scones.cloud.service import DormantService, Service
from scones.cloud.services.cloudwatch.service import CloudWatch
from scones.cloud.services.events import EventBridge
from scones.cloud.services.iam.service import IdentityAndAccessManagement
from scones.cloud.services.lambda_ import Lambda
from scones.cloud.services.logs.service import Logs
from scones.cloud.services.s3 import S3
from scones.cloud.services.sagemaker.service import SageMaker
from scones.cloud.services.sagemaker_runtime.service import SageMakerRuntime
from scones.cloud.services.scheduler.service import Scheduler
from scones.cloud.services.sns import SNS
from scones.cloud.services.sqs import SQS
from scones.cloud.services.sts.service import SecurityTokenService


def all_services() -> list[type[Service]]:
    """Return all services in the order in which they start: each can call those before it."""
    return [each if isinstance(each, type) else each.load_class() for each in services_at_start()]


def services_at_start() -> list[type[Service] | DormantService]:
    """Return the services in starting order, without loading those that can wait for their first request."""
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
        DormantService(
            name="stepfunctions",
            signing_name="states",
            load_class=_step_functions,
            starting="SELECT 1 FROM sfn_executions WHERE status = 'RUNNING' LIMIT 1",
        ),
        EventBridge,
        Scheduler,
    ]


def _step_functions() -> type[Service]:
    """Load Step Functions, which is a quarter of the code."""
    from scones.cloud.services.stepfunctions.service import StepFunctions

    return StepFunctions
