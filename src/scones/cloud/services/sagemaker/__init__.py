"""SageMaker: the control plane and the runtime."""

from scones.cloud.services.sagemaker.hosting.runtime import SageMakerRuntime
from scones.cloud.services.sagemaker.service import SageMaker

__all__ = ["SageMaker", "SageMakerRuntime"]
