"""SageMaker Studio: domains, user profiles, spaces, and apps that really run."""

from scones.cloud.services.sagemaker.studio.operations import StudioOperations
from scones.cloud.services.sagemaker.studio.studio import Studio

__all__ = ["Studio", "StudioOperations"]
