"""AWS Step Functions on the local cloud."""

from scones.cloud.services.states.api import StepFunctions

__all__ = ["StepFunctions"]
