"""What runs a Task's resource inside the local cloud."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.services.states.integrations.lambda_ import invoke_function, lambda_invoke
from scones.cloud.services.states.integrations.resources import integration_name, is_function
from scones.cloud.services.states.integrations.sdk import sdk_call

Integration = Callable[[Cloud, Any], Awaitable[Any]]

INTEGRATIONS: dict[str, Integration] = {"lambda:invoke": lambda_invoke}
"""The optimized integrations by what follows `arn:aws:states:::`."""


class CloudTasks:
    """Runs tasks on the services of the local cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.region = cloud.settings.region

    async def run(self, resource: str, parameters: Any) -> Any:
        """Return the resource's result, or raise `StateFailedError` with AWS's error name and cause."""
        if is_function(resource):
            return await invoke_function(self._cloud, resource, parameters)
        name = integration_name(resource) or ""
        if name.startswith("aws-sdk:"):
            return await sdk_call(self._cloud, name, parameters)
        return await INTEGRATIONS[name](self._cloud, parameters)
