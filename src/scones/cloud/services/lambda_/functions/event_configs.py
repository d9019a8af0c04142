"""Functions' configurations for asynchronous invocation: retries, and destinations of results."""

from __future__ import annotations

import json
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import service_of
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName, FunctionNames
from scones.cloud.services.lambda_.invoke.destinations import FAILURE_SERVICES, SUCCESS_SERVICES, check_target
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members

_STORED_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")


class EventConfigOperations:
    """Operations on functions' configurations for asynchronous invocation."""

    def __init__(self, cloud: CloudContext, names: FunctionNames, records: FunctionRecords) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records

    async def put_function_event_invoke_config(self, call: OperationCall) -> Members:
        """Set the maximum retries, the maximum event age and the destinations; omitted settings get AWS's defaults."""
        if not call.params.keys() & {*_STORED_MEMBERS, "DestinationConfig"}:
            message = "You must specify at least one of error handling or destination setting."
            raise ServiceError("InvalidParameterValueException", message, Type="User")
        return await self._configure(call, {})

    async def update_function_event_invoke_config(self, call: OperationCall) -> Members:
        """Change the given settings of a configuration."""
        function = self._names.requested(call)
        self._check_exists(function)
        return await self._configure(call, self._event_config(function))

    async def _configure(self, call: OperationCall, known: Members) -> Members:
        function, params = self._names.requested(call), call.params
        self._check_exists(function)
        _check_services(params.get("DestinationConfig", {}))
        destinations = {**known.get("DestinationConfig", {"OnSuccess": {}, "OnFailure": {}})}
        for member, services in (("OnSuccess", SUCCESS_SERVICES), ("OnFailure", FAILURE_SERVICES)):
            chosen = params.get("DestinationConfig", {}).get(member)
            if chosen is not None:
                if arn := chosen.get("Destination"):
                    check_target(self._cloud, arn, services, f"destination {member}")
                    self._check_function(function, arn)
                destinations[member] = chosen
        config = {
            **known,
            "FunctionArn": self._records.arn(function.name, function.qualifier or LATEST),
            **{member: params[member] for member in _STORED_MEMBERS if member in params},
            "DestinationConfig": destinations,
            "LastModified": time.time(),
        }
        await self._cloud.store.execute(
            "INSERT OR REPLACE INTO event_invoke_configs VALUES (?, ?, ?)",
            function.name,
            function.qualifier or LATEST,
            json.dumps(config),
        )
        return config

    def _check_exists(self, function: FunctionName) -> None:
        try:
            self._records.find(function)
        except ServiceError as error:
            raise ServiceError(error.code, "The function doesn't exist.", 404, Type="User") from error

    def _check_function(self, function: FunctionName, destination: str) -> None:
        """Refuse a destination that is the function itself, or one that does not exist."""
        if not destination.startswith(self._records.arn("")):
            return
        if destination == self._records.arn(function.name, function.qualifier):
            message = "You can't specify the function as a destination for itself."
            raise ServiceError("InvalidParameterValueException", message, Type="User")
        try:
            self._records.find(FunctionName.parse(destination))
        except ServiceError as error:
            message = f"The destination ARN {destination} is invalid."
            raise ServiceError("InvalidParameterValueException", message, Type="User") from error

    async def get_function_event_invoke_config(self, call: OperationCall) -> Members:
        """Return a function's configuration for asynchronous invocation."""
        return self._event_config(self._names.requested(call))

    def _event_config(self, function: FunctionName) -> Members:
        config = self._records.event_config(function)
        if config is None:
            arn = self._records.arn(function.name, function.qualifier or LATEST)
            message = f"The function {arn} doesn't have an EventInvokeConfig"
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")
        return config

    async def list_function_event_invoke_configs(self, call: OperationCall) -> Members:
        """List the configurations of a function's versions and aliases."""
        name = self._names.requested(call).name
        self._check_exists(FunctionName(name))
        rows = self._cloud.store.rows(
            "SELECT document FROM event_invoke_configs WHERE function = ? ORDER BY qualifier", name
        )
        return page("FunctionEventInvokeConfigs", [json.loads(row["document"]) for row in rows], call.params)

    async def delete_function_event_invoke_config(self, call: OperationCall) -> OperationOutput:
        """Delete a configuration, so that AWS's defaults apply again."""
        function = self._names.requested(call)
        self._event_config(function)
        await self._cloud.store.execute(
            "DELETE FROM event_invoke_configs WHERE function = ? AND qualifier = ?",
            function.name,
            function.qualifier or LATEST,
        )
        return OperationOutput({}, 204)


def _check_services(given: Members) -> None:
    """Raise `InvalidParameterValueException` for a destination of a service that receives no results."""
    chosen = {member: given.get(member, {}).get("Destination") for member in ("OnSuccess", "OnFailure")}
    wrong = (
        (chosen["OnSuccess"], SUCCESS_SERVICES),
        (chosen["OnFailure"], FAILURE_SERVICES),
    )
    if any(arn and service_of(arn) not in services for arn, services in wrong):
        success, failure = (f"{member}(destination={arn})" if arn else "null" for member, arn in chosen.items())
        raise ServiceError(
            "InvalidParameterValueException",
            f"The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) is invalid.",
        )
