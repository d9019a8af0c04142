"""Operations on the tags of alarms."""

from __future__ import annotations

from scones.cloud.core.arns import is_arn
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.alarm_records import AlarmRecords
from scones.cloud.services.cloudwatch.errors import invalid_value
from scones.cloud.wire.members import Members


class AlarmTagOperations:
    """Operations that add, remove and list tags."""

    def __init__(self, records: AlarmRecords) -> None:
        self._records = records

    async def list_tags_for_resource(self, call: OperationCall) -> Members:
        """Return the tags of an alarm; those of an alarm that does not exist are empty, as on AWS."""
        tags = self._records.tags(_alarm_name(call.params["ResourceARN"])) or {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def tag_resource(self, call: OperationCall) -> Members:
        """Add or change tags of an alarm."""
        name, tags = self._named(call)
        added = {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
        await self._records.set_tags(name, tags | added)
        return {}

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags of an alarm."""
        name, tags = self._named(call)
        await self._records.set_tags(
            name, {key: value for key, value in tags.items() if key not in call.params["TagKeys"]}
        )
        return {}

    def _named(self, call: OperationCall) -> tuple[str, dict[str, str]]:
        name = _alarm_name(call.params["ResourceARN"])
        tags = self._records.tags(name)
        if tags is None:
            raise ServiceError("ResourceNotFoundException", "Unknown", 404)
        return name, tags


def _alarm_name(arn: str) -> str:
    if not is_arn(arn):
        raise invalid_value(f"The value {arn} for parameter ResourceARN is invalid.")
    return arn.partition(":alarm:")[2]
