"""The operations on task tokens."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.execution.task_tokens import TaskTokens
from scones.cloud.services.stepfunctions.operations.inputs import checked_output
from scones.cloud.wire.members import Members


class TaskTokenOperations:
    """Step Functions' operations on task tokens."""

    def __init__(self, tokens: TaskTokens) -> None:
        self._tokens = tokens

    async def send_task_success(self, call: OperationCall) -> Members:
        """Complete a task with its output."""
        output = call.params["output"]
        self._tokens.check(call.params["taskToken"])
        await self._tokens.send(call.params["taskToken"], {"output": checked_output(output)})
        return {}

    async def send_task_failure(self, call: OperationCall) -> Members:
        """Fail a task with an error and a cause."""
        answer = {"error": call.params.get("error"), "cause": call.params.get("cause")}
        await self._tokens.send(call.params["taskToken"], answer)
        return {}

    async def send_task_heartbeat(self, call: OperationCall) -> Members:
        """Record a heartbeat of a task."""
        self._tokens.heartbeat(call.params["taskToken"])
        return {}
