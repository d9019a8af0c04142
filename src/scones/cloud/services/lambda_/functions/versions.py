"""Operations on published versions."""

from __future__ import annotations

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.configuration import check_revision, listed
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import FunctionName, FunctionNames
from scones.cloud.services.lambda_.pages import page
from scones.cloud.wire.members import Members


class VersionOperations:
    """Operations on versions."""

    def __init__(self, names: FunctionNames, records: FunctionRecords) -> None:
        self._names = names
        self._records = records

    async def publish_version(self, call: OperationCall) -> Members:
        """Publish the current $LATEST as a version."""
        version = self._records.find(FunctionName(self._names.requested(call).name))
        current = version.configuration["CodeSha256"]
        if (expected := call.params.get("CodeSha256", current)) != current:
            raise ServiceError(
                "InvalidParameterValueException",
                f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({current}). "
                "Please try again with the CodeSHA256 in $LATEST.",
                Type="User",
            )
        check_revision(version.configuration, call.params)
        return (await self._records.publish(version.name, call.params.get("Description"))).configuration

    async def list_versions_by_function(self, call: OperationCall) -> Members:
        """List $LATEST and the published versions."""
        versions = self._records.versions(self._names.requested(call).name)
        return page("Versions", [listed(version) for version in versions], call.params)
