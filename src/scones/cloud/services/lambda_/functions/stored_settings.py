"""Settings of functions that are recorded and returned, but have no effect here.

These are provisioned concurrency, the handling of recursive loops, and the time of runtime updates. Code signing is
not configured for any function.
"""

from __future__ import annotations

import json

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords, now
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName, FunctionNames
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS function_settings (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
        kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (function, kind, qualifier)
    ) WITHOUT ROWID
"""
_PROVISIONED, _RECURSION, _UPDATES = "provisioned concurrency", "recursion", "runtime updates"


class StoredSettingOperations:
    """Operations on settings that are recorded without effect."""

    def __init__(self, cloud: CloudContext, names: FunctionNames, records: FunctionRecords) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records

    async def put_provisioned_concurrency_config(self, call: OperationCall) -> OperationOutput:
        """Record the provisioned concurrency of a version or an alias."""
        function, requested = self._published(call), call.params["ProvisionedConcurrentExecutions"]
        config = {"RequestedProvisionedConcurrentExecutions": requested, "LastModified": now()}
        await self._store(function, _PROVISIONED, config)
        begun = {"AvailableProvisionedConcurrentExecutions": 0, "AllocatedProvisionedConcurrentExecutions": 0}
        return OperationOutput({**config, **begun, "Status": "IN_PROGRESS"}, 202)

    async def get_provisioned_concurrency_config(self, call: OperationCall) -> Members:
        """Return the provisioned concurrency of a version or an alias."""
        config = self._stored(self._published(call), _PROVISIONED)
        if config is None:
            message = "No Provisioned Concurrency Config found for this function"
            raise ServiceError("ProvisionedConcurrencyConfigNotFoundException", message, 404, Type="User")
        return _ready(config)

    async def delete_provisioned_concurrency_config(self, call: OperationCall) -> OperationOutput:
        """Delete the provisioned concurrency of a version or an alias."""
        function = self._published(call)
        await self._cloud.store.execute(
            "DELETE FROM function_settings WHERE function = ? AND kind = ? AND qualifier = ?",
            function.name,
            _PROVISIONED,
            function.qualifier,
        )
        return OperationOutput({}, 204)

    async def list_provisioned_concurrency_configs(self, call: OperationCall) -> Members:
        """List the provisioned concurrency of a function's versions and aliases."""
        name = self._names.requested(call).name
        self._records.find(FunctionName(name))
        rows = self._cloud.store.rows(
            "SELECT qualifier, document FROM function_settings WHERE function = ? AND kind = ? ORDER BY qualifier",
            name,
            _PROVISIONED,
        )
        found = [
            {"FunctionArn": self._records.arn(name, row["qualifier"]), **_ready(json.loads(row["document"]))}
            for row in rows
        ]
        return page("ProvisionedConcurrencyConfigs", found, call.params)

    async def put_function_recursion_config(self, call: OperationCall) -> Members:
        """Record whether recursive invocations of a function are allowed or terminated."""
        function, config = self._existing_function(call), {"RecursiveLoop": call.params["RecursiveLoop"]}
        await self._store(FunctionName(function.name), _RECURSION, config)
        return config

    async def get_function_recursion_config(self, call: OperationCall) -> Members:
        """Return a function's handling of recursive invocations; the default is Terminate."""
        return self._stored(FunctionName(self._existing_function(call).name), _RECURSION) or {
            "RecursiveLoop": "Terminate"
        }

    async def put_runtime_management_config(self, call: OperationCall) -> Members:
        """Record when a function's runtime is updated."""
        function, params = self._existing_function(call), call.params
        if (params["UpdateRuntimeOn"] == "Manual") != ("RuntimeVersionArn" in params):
            reason = "You must specify a RuntimeVersionArn if and only if UpdateRuntimeOn is Manual."
            raise ServiceError("InvalidParameterValueException", reason, Type="User")
        kept: Members = {name: params[name] for name in ("UpdateRuntimeOn", "RuntimeVersionArn") if name in params}
        await self._store(function, _UPDATES, kept)
        return {**kept, "FunctionArn": self._records.arn(function.name, function.qualifier)}

    async def get_runtime_management_config(self, call: OperationCall) -> Members:
        """Return when a function's runtime is updated; the default is Auto."""
        function = self._existing_function(call)
        kept = self._stored(function, _UPDATES) or {"UpdateRuntimeOn": "Auto"}
        return {**kept, "FunctionArn": self._records.arn(function.name, function.qualifier)}

    async def get_function_code_signing_config(self, call: OperationCall) -> Members:
        """Return an empty ARN: no function here has a code signing configuration."""
        return {"CodeSigningConfigArn": "", "FunctionName": self._existing_function(call).name}

    def _existing_function(self, call: OperationCall) -> FunctionName:
        function = self._names.requested(call)
        self._records.find(function)
        return function

    def _published(self, call: OperationCall) -> FunctionName:
        function = self._names.requested(call)
        if function.qualifier in (None, LATEST):
            message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
            raise ServiceError("InvalidParameterValueException", message, Type="User")
        self._records.find(function)
        return function

    def _stored(self, function: FunctionName, kind: str) -> Members | None:
        row = self._cloud.store.row(
            "SELECT document FROM function_settings WHERE function = ? AND kind = ? AND qualifier = ?",
            function.name,
            kind,
            function.qualifier or LATEST,
        )
        return json.loads(row["document"]) if row else None

    async def _store(self, function: FunctionName, kind: str, document: Members) -> None:
        await self._cloud.store.execute(
            "INSERT OR REPLACE INTO function_settings (function, qualifier, kind, document) VALUES (?, ?, ?, ?)",
            function.name,
            function.qualifier or LATEST,
            kind,
            json.dumps(document),
        )


def _ready(config: Members) -> Members:
    requested = config["RequestedProvisionedConcurrentExecutions"]
    there = {
        "AvailableProvisionedConcurrentExecutions": requested,
        "AllocatedProvisionedConcurrentExecutions": requested,
    }
    return {**config, **there, "Status": "READY"}
