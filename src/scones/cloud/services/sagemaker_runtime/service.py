"""The SageMaker Runtime service."""

from __future__ import annotations

from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.service import Service
from scones.cloud.services.sagemaker_runtime.invocation import InvocationOperations


class SageMakerRuntime(Service):
    """The SageMaker Runtime API."""

    name: ClassVar[str] = "sagemaker-runtime"
    signing_name: ClassVar[str] = "sagemaker"
    groups = (InvocationOperations,)
    validation_code: ClassVar[str] = "ValidationError"
    unvalidated_members: ClassVar[frozenset[str]] = frozenset({"BodyBlob"})

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud, InvocationOperations(cloud))
