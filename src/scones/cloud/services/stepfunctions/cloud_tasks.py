"""The task runner, which calls a Task's resource in the local cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.resources import Resource
from scones.cloud.services.stepfunctions.execution.activities import Activities
from scones.cloud.services.stepfunctions.execution.task_tokens import TaskTokens
from scones.cloud.services.stepfunctions.integrations.jobs import JobIntegration
from scones.cloud.services.stepfunctions.integrations.lambda_ import invoke_function
from scones.cloud.services.stepfunctions.integrations.optimized import PutEvents, with_origin
from scones.cloud.services.stepfunctions.integrations.registry import Integration, IntegrationRegistry


class CloudTasks:
    """Runs tasks on the services of the local cloud."""

    def __init__(
        self,
        cloud: CloudContext,
        registry: IntegrationRegistry,
        callbacks: TaskTokens | None = None,
        activities: Activities | None = None,
    ) -> None:
        self._cloud = cloud
        self._registry = registry
        self.callbacks = callbacks
        self.activities = activities
        self.region = cloud.settings.region
        self._known: set[Resource] = set()

    async def run(self, resource: Resource, parameters: Any, context: Mapping[str, Any]) -> Any:
        """Call the resource and return its result; raise `StateFailedError` with AWS's error name and cause."""
        if resource.is_function:
            return await invoke_function(self._cloud, resource.arn, parameters)
        integration = await self._find(resource)
        assert integration is not None, f"{resource.arn} was accepted when the state machine was created"
        if not isinstance(parameters, dict):  # AWS's message is not known
            message = f"The parameters of {resource.arn} must be a JSON object"
            raise StateFailedError("States.Runtime", message, fatal=True)
        if isinstance(integration, PutEvents):
            parameters = with_origin(parameters, context)
        return await integration.call(self._cloud, parameters)

    async def wait(self, resource: Resource, parameters: Any, response: Any) -> Any:
        """Wait until the job or execution that a task started has succeeded, and return its description.

        Raises `StateFailedError` if it does not succeed.
        """
        await self._find(resource)
        return await self._job(resource).wait(self._cloud, parameters, response)

    def abandon(self, resource: Resource, parameters: Any, response: Any) -> None:
        """Stop, in the background, the job or execution that a task started and no longer waits for."""
        stop = self._job(resource).abandon(self._cloud, parameters, response)
        self._cloud.spawn(stop, f"stop of {resource.name}")

    async def _find(self, resource: Resource) -> Integration | None:
        """Return the integration of a resource; the first call loads the service's model in a thread."""
        if resource not in self._known:
            await asyncio.to_thread(self._registry.find, resource)
            self._known.add(resource)
        return self._registry.find(resource)

    def _job(self, resource: Resource) -> JobIntegration:
        integration = self._registry.find(resource)
        assert isinstance(integration, JobIntegration)
        return integration
