"""Operations on settings that are recorded and returned, but have no effect here.

These are the handling of recursive loops and the time of runtime updates.
"""

from __future__ import annotations

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import FunctionName, FunctionNames
from scones.cloud.services.lambda_.functions.setting_records import RECURSION, UPDATES, SettingRecords
from scones.cloud.wire.members import Members


class StoredSettingOperations:
    """Operations on settings that are recorded without effect."""

    def __init__(self, names: FunctionNames, records: FunctionRecords, settings: SettingRecords) -> None:
        self._names = names
        self._records = records
        self._settings = settings

    async def put_function_recursion_config(self, call: OperationCall) -> Members:
        """Record whether recursive invocations of a function are allowed or terminated."""
        function, config = self._existing_function(call), {"RecursiveLoop": call.params["RecursiveLoop"]}
        await self._settings.store(FunctionName(function.name), RECURSION, config)
        return config

    async def get_function_recursion_config(self, call: OperationCall) -> Members:
        """Return a function's handling of recursive invocations; the default is Terminate."""
        function = FunctionName(self._existing_function(call).name)
        return self._settings.find(function, RECURSION) or {"RecursiveLoop": "Terminate"}

    async def put_runtime_management_config(self, call: OperationCall) -> Members:
        """Record when a function's runtime is updated."""
        function, params = self._existing_function(call), call.params
        if (params["UpdateRuntimeOn"] == "Manual") != ("RuntimeVersionArn" in params):
            reason = "You must specify a RuntimeVersionArn if and only if UpdateRuntimeOn is Manual."
            raise ServiceError("InvalidParameterValueException", reason, Type="User")
        kept: Members = {name: params[name] for name in ("UpdateRuntimeOn", "RuntimeVersionArn") if name in params}
        await self._settings.store(function, UPDATES, kept)
        return {**kept, "FunctionArn": self._records.arn(function.name, function.qualifier)}

    async def get_runtime_management_config(self, call: OperationCall) -> Members:
        """Return when a function's runtime is updated; the default is Auto."""
        function = self._existing_function(call)
        kept = self._settings.find(function, UPDATES) or {"UpdateRuntimeOn": "Auto"}
        return {**kept, "FunctionArn": self._records.arn(function.name, function.qualifier)}

    def _existing_function(self, call: OperationCall) -> FunctionName:
        function = self._names.requested(call)
        self._records.find(function)
        return function
