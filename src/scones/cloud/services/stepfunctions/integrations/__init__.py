"""Service integrations: a Task's calls of the local cloud's services, with results in AWS's form."""

from scones.cloud.services.stepfunctions.integrations.registry import exists_on_aws, find, input_shape
from scones.cloud.services.stepfunctions.integrations.runner import CloudTasks

__all__ = ["CloudTasks", "exists_on_aws", "find", "input_shape"]
