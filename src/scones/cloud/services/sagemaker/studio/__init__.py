"""SageMaker Studio: domains, user profiles, spaces, and apps, which run JupyterLab."""

from scones.cloud.services.sagemaker.studio.operations import StudioOperations
from scones.cloud.services.sagemaker.studio.studio import Studio

__all__ = ["Studio", "StudioOperations"]
