"""Operations on groups of schedules and on their tags."""

from __future__ import annotations

import json
import sqlite3

from scones.cloud.core import pages
from scones.cloud.core.arns import Arn
from scones.cloud.service import OperationCall
from scones.cloud.services.scheduler.errors import invalid
from scones.cloud.services.scheduler.schedule_records import DEFAULT_GROUP, ScheduleRecords
from scones.cloud.wire.members import Members

PAGE = 100
_Tags = dict[str, str]


class GroupOperations:
    """Operations on groups; the default group always exists."""

    def __init__(self, records: ScheduleRecords) -> None:
        self._records = records

    async def create_schedule_group(self, call: OperationCall) -> Members:
        """Create a group."""
        params = call.params
        await self._records.add_group(params["Name"], _tags_of(params), params.get("ClientToken"))
        return {"ScheduleGroupArn": self._records.group_arn(params["Name"])}

    async def get_schedule_group(self, call: OperationCall) -> Members:
        """Describe a group."""
        return self._described(self._records.group(call.params["Name"]))

    async def list_schedule_groups(self, call: OperationCall) -> Members:
        """List groups, sorted by name."""
        params = call.params
        groups = self._records.groups(params.get("NamePrefix", ""))
        refusal = invalid("Invalid NextToken.")
        found, token = pages.page(groups, params.get("NextToken"), params.get("MaxResults", PAGE), refusal)
        return {"ScheduleGroups": [self._described(row) for row in found], "NextToken": token}

    async def delete_schedule_group(self, call: OperationCall) -> Members:
        """Delete a group with its schedules."""
        name = call.params["Name"]
        if name == DEFAULT_GROUP:
            raise invalid("Cannot delete the default schedule group.")  # AWS's wording is not known
        self._records.group(name)
        await self._records.delete_group(name)
        return {}

    def _described(self, row: sqlite3.Row) -> Members:
        return {
            "Arn": self._records.group_arn(row["name"]),
            "Name": row["name"],
            "State": "ACTIVE",
            "CreationDate": row["created"],
            "LastModificationDate": row["modified"],
        }

    async def tag_resource(self, call: OperationCall) -> Members:
        """Add or replace tags of a group."""
        name, tags = self._tagged(call)
        await self._records.put_tags(name, tags | _tags_of(call.params))
        return {}

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags from a group."""
        name, tags = self._tagged(call)
        removed = call.params["TagKeys"]
        await self._records.put_tags(name, {key: value for key, value in tags.items() if key not in removed})
        return {}

    async def list_tags_for_resource(self, call: OperationCall) -> Members:
        """Return the tags of a group."""
        _, tags = self._tagged(call)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _tagged(self, call: OperationCall) -> tuple[str, _Tags]:
        """Return the name and the tags of the group that a call names."""
        name = Arn.parse(call.params["ResourceArn"]).resource.rpartition("/")[2]
        return name, json.loads(self._records.group(name)["tags"])


def _tags_of(params: Members) -> _Tags:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
