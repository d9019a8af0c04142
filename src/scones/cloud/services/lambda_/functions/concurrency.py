"""Operations on reserved concurrency, which limits functions, and on provisioned concurrency."""

from __future__ import annotations

import logging

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.account import CONCURRENT_EXECUTIONS
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords, Version, now
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName, FunctionNames
from scones.cloud.services.lambda_.functions.setting_records import PROVISIONED, REQUESTED, SettingRecords
from scones.cloud.services.lambda_.invoke.invoker import Invoker
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

MIN_UNRESERVED = 100
"""Minimum concurrent executions of the account that must remain unreserved."""
_FAILED = {"Status": "FAILED", "StatusReason": "FUNCTION_ERROR_INIT_FAILURE"}
_NONE = {"AvailableProvisionedConcurrentExecutions": 0, "AllocatedProvisionedConcurrentExecutions": 0}
_PREPARING = {**_NONE, "Status": "IN_PROGRESS"}


class ConcurrencyOperations:
    """Operations on the reserved concurrency of functions and the provisioned concurrency of versions and aliases."""

    def __init__(
        self,
        *,
        cloud: CloudContext,
        names: FunctionNames,
        records: FunctionRecords,
        settings: SettingRecords,
        invoker: Invoker,
    ) -> None:
        self._invoker = invoker
        self._statuses: dict[tuple[str, str | None], Members] = {}
        """Status of each version and alias whose environments are being started, or cannot be started."""
        self._cloud = cloud
        self._names = names
        self._records = records
        self._settings = settings

    async def put_function_concurrency(self, call: OperationCall) -> Members:
        """Reserve concurrency for a function; more concurrent invocations than this are throttled."""
        name, executions = self._unqualified(call, LATEST), call.params["ReservedConcurrentExecutions"]
        if CONCURRENT_EXECUTIONS - self._reserved_by_others(name) - executions < MIN_UNRESERVED:
            raise ServiceError(
                "InvalidParameterValueException",
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{MIN_UNRESERVED}].",
                Type=None,  # AWS gives it no Type
            )
        provisioned = self._provisioned(name)
        if executions < provisioned:
            raise ServiceError(
                "InvalidParameterValueException",  # AWS's spaces
                f" ReservedConcurrentExecutions  {executions} should not be lower than function's total provisioned "
                f"concurrency [{provisioned}].",
            )
        await self._records.reserve(name, executions)
        return {"ReservedConcurrentExecutions": executions}

    async def get_function_concurrency(self, call: OperationCall) -> Members:
        """Return a function's reserved concurrency."""
        return {"ReservedConcurrentExecutions": self._records.reserved(self._unqualified(call))}

    async def delete_function_concurrency(self, call: OperationCall) -> Members:
        """Remove a function's reserved concurrency."""
        await self._records.reserve(self._unqualified(call), None)
        return {}

    def _unqualified(self, call: OperationCall, qualifier: str | None = None) -> str:
        """Return the name of the function; the error for a function that does not exist names `qualifier`."""
        function = self._names.requested(call)
        if function.qualifier is not None:
            raise _refused(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                "operation. Please specify either a function name or an unqualified function ARN."
            )
        self._records.find(FunctionName(function.name, qualifier))
        return function.name

    async def put_provisioned_concurrency_config(self, call: OperationCall) -> OperationOutput:
        """Record the provisioned concurrency of a version or an alias."""
        function = self._published(
            call, "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
        requested = call.params["ProvisionedConcurrentExecutions"]
        self._check_version(function)
        self._check_limits(function, requested)
        config = {REQUESTED: requested, "LastModified": now()}
        await self._settings.store(function, PROVISIONED, config)
        self._statuses[function.name, function.qualifier] = _PREPARING
        work = self._provision(function, self._records.find(function), requested)
        self._cloud.spawn(work, name=f"provisioned concurrency of {function.name}")
        return OperationOutput({**config, **_PREPARING}, 202)

    async def _provision(self, function: FunctionName, version: Version, count: int) -> None:
        """Start the environments; the status is READY when they have started."""
        key = function.name, function.qualifier
        try:
            started = await self._invoker.provision(version, count)
        except ServiceError as error:  # deleted meanwhile, or its runtime is missing
            log.warning("Provisioned concurrency of %s could not be started: %s", function.name, error)
            started = False
        current = self._settings.find(function, PROVISIONED)
        if current is None:  # deleted meanwhile
            self._invoker.unprovision(version)
        elif current[REQUESTED] != count:  # a later request continues
            return
        if started or current is None:
            self._statuses.pop(key, None)
        else:
            self._statuses[key] = _NONE | _FAILED

    async def get_provisioned_concurrency_config(self, call: OperationCall) -> Members:
        """Return the provisioned concurrency of a version or an alias."""
        function = self._published(call)
        config = self._settings.find(function, PROVISIONED)
        if config is None:
            message = "No Provisioned Concurrency Config found for this function"
            raise ServiceError("ProvisionedConcurrencyConfigNotFoundException", message, 404, Type="User")
        return self._described(function.name, function.qualifier, config)

    async def delete_provisioned_concurrency_config(self, call: OperationCall) -> OperationOutput:
        """Delete the provisioned concurrency of a version or an alias."""
        function = self._published(call)
        await self._settings.delete(function, PROVISIONED)
        self._statuses.pop((function.name, function.qualifier), None)
        self._invoker.unprovision(self._records.find(function))
        return OperationOutput({}, 204)

    async def list_provisioned_concurrency_configs(self, call: OperationCall) -> Members:
        """List the provisioned concurrency of a function's versions and aliases."""
        name = self._names.requested(call).name
        self._records.find(FunctionName(name))
        found = [
            {"FunctionArn": self._records.arn(name, qualifier), **self._described(name, qualifier, config)}
            for qualifier, config in self._settings.all(name, PROVISIONED)
        ]
        return page("ProvisionedConcurrencyConfigs", found, call.params)

    def _described(self, name: str, qualifier: str | None, config: Members) -> Members:
        """Return a setting with its status; environments that an earlier process had start again when needed."""
        count = config[REQUESTED]
        ready = {
            "AvailableProvisionedConcurrentExecutions": count,
            "AllocatedProvisionedConcurrentExecutions": count,
            "Status": "READY",
        }
        return {**config, **self._statuses.get((name, qualifier), ready)}

    def _published(
        self,
        call: OperationCall,
        otherwise: str = "The function resource provided must be an alias or a published version.",
    ) -> FunctionName:
        """Return the version or alias that a call names; the error for $LATEST has the message `otherwise`."""
        function = self._names.requested(call)
        if function.qualifier in (None, LATEST):
            raise _refused(otherwise)
        self._records.check_alias(function)
        self._records.find(function)
        return function

    def _check_version(self, function: FunctionName) -> None:
        """Refuse a version and an alias of it that both have provisioned concurrency."""
        configured = {qualifier for qualifier, _ in self._settings.all(function.name, PROVISIONED)}
        version = self._records.find(function).configuration["Version"]
        if version != function.qualifier and version in configured:
            raise ServiceError(
                "ResourceConflictException",
                "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
                409,
                Type="User",
            )
        aliases = {each["Name"] for each in self._records.aliases(function.name) if each["FunctionVersion"] == version}
        if version == function.qualifier and aliases & configured:
            message = "Version is pointed by a Provisioned Concurrency alias"
            raise ServiceError("ResourceConflictException", message, 409, Type="User")

    def _check_limits(self, function: FunctionName, requested: int) -> None:
        total = requested + self._provisioned(function.name, except_for=function.qualifier)
        reserved = self._records.reserved(function.name)
        if reserved is not None:
            if total > reserved:
                raise _refused(
                    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                    "function"
                )
            return
        unreserved = CONCURRENT_EXECUTIONS - self._reserved_by_others(function.name)
        message = ""
        if total > unreserved:
            message = f"is greater than account's unreserved concurrency [{unreserved}]."
        elif unreserved - total < MIN_UNRESERVED:
            message = (
                f"decreases account's UnreservedConcurrentExecution below its minimum value of [{MIN_UNRESERVED}]."
            )
        if message:
            message = f"Specified ConcurrentExecutions for function {message}"
            raise ServiceError("InvalidParameterValueException", message, Type=None)  # AWS gives it no Type

    def _reserved_by_others(self, name: str) -> int:
        row = self._cloud.store.row("SELECT coalesce(sum(reserved), 0) AS sum FROM functions WHERE name != ?", name)
        assert row is not None
        return int(row["sum"])

    def _provisioned(self, name: str, except_for: str | None = None) -> int:
        """Return the total provisioned concurrency of a function, except that of one qualifier."""
        configs = self._settings.all(name, PROVISIONED)
        return sum(config[REQUESTED] for qualifier, config in configs if qualifier != except_for)


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
