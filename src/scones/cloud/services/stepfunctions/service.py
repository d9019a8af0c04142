"""The Step Functions service."""

from __future__ import annotations

from scones.cloud.services.stepfunctions.operations.activities import ActivityOperations
from scones.cloud.services.stepfunctions.operations.aliases import AliasOperations
from scones.cloud.services.stepfunctions.operations.executions import ExecutionOperations
from scones.cloud.services.stepfunctions.operations.state_machines import StateMachineOperations
from scones.cloud.services.stepfunctions.operations.tags import TagOperations
from scones.cloud.services.stepfunctions.operations.task_tokens import TaskTokenOperations
from scones.cloud.services.stepfunctions.operations.versions import VersionOperations
from scones.cloud.services.stepfunctions.test_state.operation import StateTestOperations


class StepFunctions(
    StateMachineOperations,
    VersionOperations,
    AliasOperations,
    ExecutionOperations,
    TagOperations,
    ActivityOperations,
    TaskTokenOperations,
    StateTestOperations,
):
    """State machines in the Amazon States Language, and their executions."""

    async def start(self) -> None:
        """Plan the resumption of executions that an earlier process left."""
        self._executions.plan_resumption()

    def drain(self) -> None:
        """End the calls that wait for an Express execution or for a task of an activity."""
        self._express.drain()
        self._executions.activities.drain()

    async def stop(self) -> None:
        """End the Express executions, suspend the Standard executions for the next process, and stop the workers."""
        await self._express.stop()
        await self._executions.suspend()
        await self._workers.stop()
