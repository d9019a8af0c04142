"""Operations on the tags of functions and of event source mappings."""

from __future__ import annotations

from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.event_sources.event_sources import EventSourceMappings
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.limits import check_tags
from scones.cloud.services.lambda_.functions.names import FunctionNames
from scones.cloud.wire.members import Members

Tags = dict[str, str]


class TagOperations:
    """Operations on tags; versions and aliases have none."""

    def __init__(self, names: FunctionNames, records: FunctionRecords, mappings: EventSourceMappings) -> None:
        self._names = names
        self._records = records
        self._mappings = mappings

    async def list_tags(self, call: OperationCall) -> Members:
        """List a resource's tags."""
        return {"Tags": self._tags(call)}

    async def tag_resource(self, call: OperationCall) -> Members:
        """Add tags to a resource."""
        tags = self._tags(call) | call.params["Tags"]
        if not call.params["Tags"]:  # AWS's words
            raise _refused("An error occurred and the request cannot be processed.")
        check_tags(tags)
        await self._put(call, tags)
        return {}

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags from a resource."""
        keys = call.params["TagKeys"]
        await self._put(call, {key: value for key, value in self._tags(call).items() if key not in keys})
        return {}

    def _tags(self, call: OperationCall) -> Tags:
        """Return a resource's tags; raises `ResourceNotFoundException` if it does not exist."""
        resource = Arn.parse(call.params["Resource"])
        if resource.resource_type == "function":
            return self._records.tags(self._function(call))
        if resource.resource_type != "event-source-mapping":
            raise _refused(
                f"The local cloud supports tags of functions and event source mappings only, not of {resource}."
            )
        try:
            return self._mappings.tags(resource.resource_id)
        except ServiceError as error:
            raise ServiceError(error.code, f"Event source mapping not found: {resource}", 404, Type="User") from error

    async def _put(self, call: OperationCall, tags: Tags) -> None:
        resource = Arn.parse(call.params["Resource"])
        if resource.resource_type == "function":
            await self._records.put_tags(self._function(call), tags)
        else:
            await self._mappings.put_tags(resource.resource_id, tags)

    def _function(self, call: OperationCall) -> str:
        function = self._names.requested(call)
        if function.qualifier is not None:
            raise _refused("Tags on function aliases and versions are not supported. Please specify a function ARN.")
        return function.name


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
