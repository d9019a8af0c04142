"""The operations on task tokens."""

from __future__ import annotations

from typing import Any

from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.operations.base import StepFunctionsBase
from scones.cloud.services.stepfunctions.operations.inputs import checked_output


class TaskTokenOperations(StepFunctionsBase):
    """Step Functions' operations on task tokens."""

    async def send_task_success(self, call: OperationCall) -> dict[str, Any]:
        """Complete a task with its output."""
        output = call.params["output"]
        self._executions.callbacks.check(call.params["taskToken"])
        await self._executions.callbacks.send(call.params["taskToken"], {"output": checked_output(output)})
        return {}

    async def send_task_failure(self, call: OperationCall) -> dict[str, Any]:
        """Fail a task with an error and a cause."""
        answer = {"error": call.params.get("error"), "cause": call.params.get("cause")}
        await self._executions.callbacks.send(call.params["taskToken"], answer)
        return {}

    async def send_task_heartbeat(self, call: OperationCall) -> dict[str, Any]:
        """Record a heartbeat of a task."""
        self._executions.callbacks.heartbeat(call.params["taskToken"])
        return {}
