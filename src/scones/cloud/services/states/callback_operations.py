"""The operations on task tokens."""

from __future__ import annotations

import json
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import Call
from scones.cloud.services.states.operations import Operations
from scones.cloud.services.states.text import too_large


class CallbackOperations(Operations):
    """Step Functions' operations on task tokens."""

    async def send_task_success(self, call: Call) -> dict[str, Any]:
        """Take in what a task gave."""
        output = call.params["output"]
        self._executions.callbacks.check(call.params["taskToken"])
        try:
            json.loads(output)
        except ValueError as error:
            raise ServiceError("InvalidOutput", f"Invalid Output: '{error}'") from error
        if too_large(output):
            raise ServiceError("InvalidOutput", "Invalid Output: 'The output exceeds 262144 bytes of UTF-8'")
        await self._executions.callbacks.send(call.params["taskToken"], {"output": output})
        return {}

    async def send_task_failure(self, call: Call) -> dict[str, Any]:
        """Take in that a task failed."""
        answer = {"error": call.params.get("error"), "cause": call.params.get("cause")}
        await self._executions.callbacks.send(call.params["taskToken"], answer)
        return {}

    async def send_task_heartbeat(self, call: Call) -> dict[str, Any]:
        """Take in that a task is still worked on."""
        self._executions.callbacks.beat(call.params["taskToken"])
        return {}
