"""The operations on tags."""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.state_machines import StateMachine, StateMachines
from scones.cloud.wire.members import Members


class TagOperations:
    """Step Functions' operations on the tags of a machine or an activity."""

    def __init__(self, cloud: CloudContext, machines: StateMachines) -> None:
        self._cloud = cloud
        self._machines = machines

    async def tag_resource(self, call: OperationCall) -> Members:
        """Set tags."""
        await self._machines.tag(self._taggable(call), call.params["tags"])
        return {}

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags; missing tags are not an error."""
        arn = self._taggable(call)
        for key in call.params["tagKeys"]:
            await self._cloud.store.execute("DELETE FROM sfn_tags WHERE arn = ? AND key = ?", arn, key)
        return {}

    async def list_tags_for_resource(self, call: OperationCall) -> Members:
        """List tags."""
        return {"tags": self._machines.tags(self._taggable(call))}

    def _taggable(self, call: OperationCall) -> str:
        arn: str = call.params["resourceArn"]
        if ":activity:" in arn:
            found = self._cloud.store.row("SELECT 1 FROM sfn_activities WHERE arn = ?", arn)
            if found is None:
                raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
            return arn
        machine: StateMachine | None = self._machines.find(arn)
        if machine is None or machine.version is not None:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return arn
