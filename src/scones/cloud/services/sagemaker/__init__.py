"""SageMaker: the control plane and the runtime."""

from scones.cloud.services.sagemaker.control import SageMaker
from scones.cloud.services.sagemaker.hosting.runtime import SageMakerRuntime

__all__ = ["SageMaker", "SageMakerRuntime"]
