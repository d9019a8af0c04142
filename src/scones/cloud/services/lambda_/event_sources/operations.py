"""Operations on event source mappings. Sources are SQS queues; the error for any other source names it."""

from __future__ import annotations

import time
import uuid

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import last_part
from scones.cloud.delivery.targets import queue_url
from scones.cloud.errors import ServiceError
from scones.cloud.patterns import PatternError, check_pattern
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.event_sources.event_sources import EventSourceMapping, EventSourceMappings
from scones.cloud.services.lambda_.event_sources.pollers import Pollers
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.limits import check_tags
from scones.cloud.services.lambda_.functions.names import FunctionName, FunctionNames
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members

_STORED_MEMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "FilterCriteria",
    "ScalingConfig",
    "FunctionResponseTypes",
)
_SUPPORTED_MEMBERS = frozenset({*_STORED_MEMBERS, "UUID", "EventSourceArn", "FunctionName", "Enabled", "Tags"})
UNWINDOWED_BATCH = 10
"""Maximum batch size, in messages, for a FIFO queue and for a standard queue without a batching window."""

MAX_FILTERS = 10
"""Maximum filters per mapping. AWS's quota is 5, and 10 on request (Lambda Developer Guide, "Event filtering
basics")."""


class EventSourceOperations:
    """Operations on event source mappings."""

    def __init__(
        self,
        *,
        cloud: CloudContext,
        names: FunctionNames,
        records: FunctionRecords,
        mappings: EventSourceMappings,
        pollers: Pollers,
    ) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records
        self._mappings = mappings
        self._pollers = pollers

    async def create_event_source_mapping(self, call: OperationCall) -> Members:
        """Create a mapping, and start polling its queue if it is enabled."""
        params, function = call.params, self._names.requested(call)
        if "EventSourceArn" not in params and "SelfManagedEventSource" not in params:
            raise _invalid("Unrecognized event source.")
        _check_members(params)
        source = params.get("EventSourceArn", "")
        mapping: EventSourceMapping = {
            "UUID": (identity := str(uuid.uuid4())),
            "EventSourceMappingArn": self._cloud.arn("lambda", f"event-source-mapping:{identity}"),
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 0,
            "FunctionResponseTypes": [],
            "EventSourceArn": source,
        }
        enabled = params.get("Enabled", True)
        check_tags(params.get("Tags", {}))
        created = await self._settle(
            mapping, function, params | {"Enabled": enabled}, "Creating" if enabled else "Disabled"
        )
        if "Tags" in params:
            await self._mappings.put_tags(identity, params["Tags"])
        return created

    async def update_event_source_mapping(self, call: OperationCall) -> Members:
        """Change the given settings of a mapping."""
        params = call.params
        _check_members(params)
        mapping = self._mappings.get(params["UUID"])
        function = (
            self._names.requested(call) if "FunctionName" in params else FunctionName.parse(mapping["FunctionArn"])
        )
        passing = "Updating"
        if "Enabled" in params and params["Enabled"] != (mapping["State"] == "Enabled"):
            passing = "Enabling" if params["Enabled"] else "Disabling"
        return await self._settle(mapping, function, params, passing)

    async def _settle(
        self, mapping: EventSourceMapping, function: FunctionName, params: Members, passing: str
    ) -> Members:
        """Store and apply a mapping with the given settings; the response has the transitional state `passing`."""
        mapping |= {member: params[member] for member in _STORED_MEMBERS if member in params}
        for member in ("FilterCriteria", "ScalingConfig"):  # an empty value removes the member
            if not mapping.get(member, True) or mapping.get(member) == {"Filters": []}:
                del mapping[member]
        timeout = self._timeout_of(function)
        _check_batches(mapping)
        _check_filters(mapping)
        mapping["FunctionArn"] = self._records.arn(function.name, function.qualifier)
        await self._check_queue(mapping["EventSourceArn"], timeout)
        self._mappings.check_new(mapping["FunctionArn"], mapping["EventSourceArn"], mapping["UUID"])
        if "Enabled" in params:
            mapping["State"] = "Enabled" if params["Enabled"] else "Disabled"
        mapping |= {"LastModified": time.time(), "StateTransitionReason": "USER_INITIATED"}
        await self._mappings.put(mapping)
        self._pollers.restart(mapping)
        return mapping | {"State": passing}

    def _timeout_of(self, function: FunctionName) -> int:
        try:
            timeout: int = self._records.find(function).configuration["Timeout"]
        except ServiceError as error:
            raise _invalid("Function does not exist") from error
        return timeout

    async def get_event_source_mapping(self, call: OperationCall) -> Members:
        """Describe a mapping."""
        return self._mappings.get(call.params["UUID"])

    async def list_event_source_mappings(self, call: OperationCall) -> Members:
        """List mappings: all, or those of a given queue, function or both."""
        params, found = call.params, self._mappings.all()
        if "FunctionName" in params:
            function = self._names.requested(call)
            arn = self._records.arn(function.name, function.qualifier)
            found = [mapping for mapping in found if mapping["FunctionArn"] == arn]
        if "EventSourceArn" in params:
            found = [mapping for mapping in found if mapping["EventSourceArn"] == params["EventSourceArn"]]
        return page("EventSourceMappings", found, {"MaxItems": 100} | params)

    async def delete_event_source_mapping(self, call: OperationCall) -> Members:
        """Delete a mapping; its function finishes the batches that it is processing."""
        mapping = self._mappings.get(call.params["UUID"])
        await self._mappings.delete(mapping["UUID"])
        self._pollers.stop_polling(mapping["UUID"])
        return mapping | {"State": "Deleting"}

    async def _check_queue(self, arn: str, function_timeout: int) -> None:
        if arn != self._cloud.arn("sqs", last_part(arn)):
            raise _invalid(
                f"The local cloud supports event source mappings only for its own SQS queues, not for {arn!r}; "
                f"specify an EventSourceArn such as {self._cloud.arn('sqs', 'NAME')}."
            )
        query = {"QueueUrl": queue_url(self._cloud, arn), "AttributeNames": ["VisibilityTimeout"]}
        try:
            response = await self._cloud.call("sqs", "GetQueueAttributes", query)
        except ServiceError as error:
            raise _invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                f"SQS Error Message: {error.message}"
            ) from error
        visibility = int(response["Attributes"]["VisibilityTimeout"])
        if visibility < function_timeout:
            raise _invalid(
                f"Queue visibility timeout: {visibility} seconds is less than Function timeout: "
                f"{function_timeout} seconds"
            )


def _check_members(params: Members) -> None:
    if params.get("DestinationConfig"):
        raise _invalid("Unsupported DestinationConfig parameter for given event source mapping type.")
    if others := sorted(params.keys() - _SUPPORTED_MEMBERS):
        raise _invalid(f"The local cloud does not support {others[0]} in event source mappings for SQS; omit it.")


def _check_batches(mapping: EventSourceMapping) -> None:
    fifo, window = mapping["EventSourceArn"].endswith(".fifo"), mapping["MaximumBatchingWindowInSeconds"]
    if fifo and window:
        raise _invalid("Batching window is not supported for FIFO queues")
    if mapping["BatchSize"] > UNWINDOWED_BATCH:
        if fifo:
            raise _invalid(f"BatchSize must be at most {UNWINDOWED_BATCH} for FIFO queues")
        if not window:
            raise _invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            )


def _check_filters(mapping: EventSourceMapping) -> None:
    if len(mapping.get("FilterCriteria", {}).get("Filters", [])) > MAX_FILTERS:
        raise _invalid(f"An event source mapping can have at most {MAX_FILTERS} filters.")  # AWS's wording is not known
    for each in mapping.get("FilterCriteria", {}).get("Filters", []):
        try:
            check_pattern(each.get("Pattern", "{}"))
        except PatternError as error:
            raise _invalid("Invalid filter pattern definition.") from error


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
