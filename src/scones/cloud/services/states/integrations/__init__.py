"""The resources that a Task may name, and how each is called inside the local cloud."""

from scones.cloud.services.states.integrations.cloud_tasks import INTEGRATIONS, CloudTasks
from scones.cloud.services.states.integrations.resources import integration_name, is_function

__all__ = ["INTEGRATIONS", "CloudTasks", "integration_name", "is_function"]
