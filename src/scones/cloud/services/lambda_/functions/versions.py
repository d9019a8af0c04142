"""Operations on published versions."""

from __future__ import annotations

from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.base import LambdaBase, listed, page
from scones.cloud.services.lambda_.functions.names import FunctionName


class VersionOperations(LambdaBase):
    """Operations on versions."""

    async def publish_version(self, call: OperationCall) -> dict[str, Any]:
        """Publish the current $LATEST as a version."""
        version = self._records.find(FunctionName(self._function(call).name))
        if call.params.get("CodeSha256", version.configuration["CodeSha256"]) != version.configuration["CodeSha256"]:
            raise ServiceError(
                "InvalidParameterValueException",
                "CodeSHA256 does not match the current code of the function.",
                Type="User",
            )
        self._check_revision(version.configuration, call.params)
        return (await self._records.publish(version.name, call.params.get("Description"))).configuration

    async def list_versions_by_function(self, call: OperationCall) -> dict[str, Any]:
        """List $LATEST and the published versions."""
        versions = self._records.versions(self._function(call).name)
        return page("Versions", [listed(version) for version in versions], call.params)
