"""Operations on functions' tags and reserved concurrency."""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.account import CONCURRENT_EXECUTIONS
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import FunctionName, FunctionNames
from scones.cloud.wire.members import Members

MIN_UNRESERVED = 100
"""Minimum concurrent executions of the account that must remain unreserved."""


class FunctionSettingOperations:
    """Operations on functions' tags and reserved concurrency; versions and aliases have neither."""

    def __init__(self, cloud: CloudContext, names: FunctionNames, records: FunctionRecords) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records

    async def list_tags(self, call: OperationCall) -> Members:
        """List a function's tags."""
        return {"Tags": self._records.tags(self._tagged(call))}

    async def tag_resource(self, call: OperationCall) -> Members:
        """Add tags to a function."""
        name = self._tagged(call)
        await self._records.put_tags(name, self._records.tags(name) | call.params["Tags"])
        return {}

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags from a function."""
        name = self._tagged(call)
        kept = {key: value for key, value in self._records.tags(name).items() if key not in call.params["TagKeys"]}
        await self._records.put_tags(name, kept)
        return {}

    async def put_function_concurrency(self, call: OperationCall) -> Members:
        """Reserve concurrency for a function; more concurrent invocations than this are throttled."""
        name, executions = self._unqualified(call), call.params["ReservedConcurrentExecutions"]
        others = self._cloud.store.row("SELECT coalesce(sum(reserved), 0) AS sum FROM functions WHERE name != ?", name)
        assert others is not None
        if CONCURRENT_EXECUTIONS - others["sum"] - executions < MIN_UNRESERVED:
            raise _refused(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{MIN_UNRESERVED}]."
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

    def _tagged(self, call: OperationCall) -> str:
        function = self._names.requested(call)
        if function.qualifier is not None:
            raise _refused("Tags on function aliases and versions are not supported. Please specify a function ARN.")
        return function.name

    def _unqualified(self, call: OperationCall) -> str:
        function = self._names.requested(call)
        if function.qualifier is not None:
            raise _refused(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                "operation. Please specify either a function name or an unqualified function ARN."
            )
        self._records.find(FunctionName(function.name))
        return function.name


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
