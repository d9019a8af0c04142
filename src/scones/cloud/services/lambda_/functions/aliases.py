"""Aliases of versions; an alias can split its invocations between two versions."""

from __future__ import annotations

import uuid

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.configuration import check_revision
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName, FunctionNames
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members


class AliasOperations:
    """Operations on aliases."""

    def __init__(self, names: FunctionNames, records: FunctionRecords) -> None:
        self._names = names
        self._records = records

    async def create_alias(self, call: OperationCall) -> Members:
        """Create an alias of a version."""
        name, params = self._names.requested(call).name, call.params
        if self._records.find_alias(name, params["Name"]) is not None:
            arn = self._records.arn(name, params["Name"])
            raise ServiceError("ResourceConflictException", f"Alias already exists: {arn}", 409, Type="User")
        alias = {
            "AliasArn": self._records.arn(name, params["Name"]),
            "Name": params["Name"],
            "FunctionVersion": params["FunctionVersion"],
            "Description": params.get("Description", ""),
        }
        return await self._put(name, alias, params)

    async def get_alias(self, call: OperationCall) -> Members:
        """Describe an alias."""
        name = self._names.requested(call).name
        self._records.find(FunctionName(name))
        return self._alias(name, call.params["Name"], "Cannot find alias arn")

    async def update_alias(self, call: OperationCall) -> Members:
        """Change an alias's version, description or routing."""
        name, params = self._names.requested(call).name, call.params
        self._records.find(FunctionName(name))
        alias = self._alias(name, params["Name"], "Alias not found")
        check_revision(alias, params)
        alias |= {member: params[member] for member in ("FunctionVersion", "Description") if member in params}
        return await self._put(name, alias, params)

    async def delete_alias(self, call: OperationCall) -> Members:
        """Delete an alias."""
        await self._records.delete_alias(self._names.requested(call).name, call.params["Name"])
        return {}

    async def list_aliases(self, call: OperationCall) -> Members:
        """List a function's aliases, either all of them or those of one version."""
        name, version = self._names.requested(call).name, call.params.get("FunctionVersion")
        self._records.find(FunctionName(name))
        found = self._records.aliases(name)
        return page("Aliases", [each for each in found if version in (None, each["FunctionVersion"])], call.params)

    def _alias(self, function: str, name: str, what: str) -> Members:
        alias = self._records.find_alias(function, name)
        if alias is None:
            message = f"{what}: {self._records.arn(function, name)}"
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")
        return alias

    async def _put(self, function: str, alias: Members, params: Members) -> Members:
        self._records.find(FunctionName(function, alias["FunctionVersion"]))
        if "RoutingConfig" in params:
            weights = params["RoutingConfig"].get("AdditionalVersionWeights", {})
            alias.pop("RoutingConfig", None)
            if weights:
                alias["RoutingConfig"] = {"AdditionalVersionWeights": weights}
        self._check_routing(function, alias)
        alias["RevisionId"] = str(uuid.uuid4())
        await self._records.put_alias(function, alias)
        return alias

    def _check_routing(self, function: str, alias: Members) -> None:
        weights, version = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}), alias["FunctionVersion"]
        reason = ""
        if len(weights) > 1:
            reason = "Number of items in AdditionalVersionWeights cannot be greater than 1"
        elif version in weights:
            reason = (
                f"Invalid function version {version}. Function version {version} is already included in routing "
                "configuration."
            )
        elif weights and version == LATEST:
            reason = "$LATEST is not supported for an alias pointing to more than 1 version"
            raise ServiceError("InvalidParameterValueException", reason, Type=None)  # AWS gives it no Type
        if reason:
            raise ServiceError("InvalidParameterValueException", reason, Type="User")
        for each in weights:
            self._records.find(FunctionName(function, each))
