"""Service integrations: how a Task calls what the local cloud offers, and what AWS shows of the answer."""

from scones.cloud.services.states.integrations.registry import find, input_shape, recognised
from scones.cloud.services.states.integrations.runner import CloudTasks

__all__ = ["CloudTasks", "find", "input_shape", "recognised"]
