"""Published versions and aliases."""

from __future__ import annotations

import uuid
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import Call
from scones.cloud.services.lambda_.names import FunctionName
from scones.cloud.services.lambda_.operations import Operations, listed, page


class VersionOperations(Operations):
    """Operations on versions and aliases."""

    async def publish_version(self, call: Call) -> dict[str, Any]:
        """Publish what $LATEST is now."""
        version = self._records.find(FunctionName(self._function(call).name))
        if call.params.get("CodeSha256", version.configuration["CodeSha256"]) != version.configuration["CodeSha256"]:
            raise ServiceError(
                "InvalidParameterValueException",
                "CodeSHA256 does not match the current code of the function.",
                Type="User",
            )
        self._check_revision(version.configuration, call.params)
        return (await self._records.publish(version.name, call.params.get("Description"))).configuration

    async def list_versions_by_function(self, call: Call) -> dict[str, Any]:
        """List $LATEST and the published versions."""
        versions = self._records.versions(self._function(call).name)
        return page("Versions", [listed(version) for version in versions], call.params)

    async def create_alias(self, call: Call) -> dict[str, Any]:
        """Give a version a name."""
        name, params = self._function(call).name, call.params
        self._records.find(FunctionName(name, params["FunctionVersion"]))
        if any(alias["Name"] == params["Name"] for alias in self._records.aliases(name)):
            arn = self._records.arn(name, params["Name"])
            raise ServiceError("ResourceConflictException", f"Alias already exists: {arn}", 409, Type="User")
        alias = {
            "AliasArn": self._records.arn(name, params["Name"]),
            "Name": params["Name"],
            "FunctionVersion": params["FunctionVersion"],
            "Description": params.get("Description", ""),
            "RevisionId": str(uuid.uuid4()),
        }
        await self._records.put_alias(name, alias)
        return alias

    async def get_alias(self, call: Call) -> dict[str, Any]:
        """Describe an alias."""
        return self._records.alias(self._function(call).name, call.params["Name"])

    async def update_alias(self, call: Call) -> dict[str, Any]:
        """Point an alias elsewhere."""
        name, params = self._function(call).name, call.params
        alias = self._records.alias(name, params["Name"])
        alias |= {member: params[member] for member in ("FunctionVersion", "Description") if member in params}
        self._records.find(FunctionName(name, alias["FunctionVersion"]))
        await self._records.put_alias(name, alias | {"RevisionId": str(uuid.uuid4())})
        return self._records.alias(name, params["Name"])

    async def delete_alias(self, call: Call) -> dict[str, Any]:
        """Delete an alias."""
        await self._records.delete_alias(self._function(call).name, call.params["Name"])
        return {}

    async def list_aliases(self, call: Call) -> dict[str, Any]:
        """List a function's aliases."""
        name = self._function(call).name
        self._records.find(FunctionName(name))
        return page("Aliases", self._records.aliases(name), call.params)
