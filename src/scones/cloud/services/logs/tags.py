"""Operations on the tags of log groups, by name and by ARN."""

from __future__ import annotations

import json

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import no_group
from scones.cloud.services.logs.group_names import group_of_arn
from scones.cloud.wire.members import Members

MAX_TAGS = 50
"""Maximum number of tags per group."""


class LogTagOperations:
    """Operations that add, remove and list tags."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tag_log_group(self, call: OperationCall) -> Members:
        """Add or change tags of a group."""
        return await self._tag(call.params["logGroupName"], call.params["tags"])

    async def untag_log_group(self, call: OperationCall) -> Members:
        """Remove tags of a group."""
        return await self._untag(call.params["logGroupName"], call.params["tags"])

    async def list_tags_log_group(self, call: OperationCall) -> Members:
        """Return the tags of a group."""
        return {"tags": self._tags(call.params["logGroupName"])}

    async def tag_resource(self, call: OperationCall) -> Members:
        """Add or change tags of the group with an ARN."""
        return await self._tag(group_of_arn(call.params["resourceArn"]), call.params["tags"])

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags of the group with an ARN."""
        return await self._untag(group_of_arn(call.params["resourceArn"]), call.params["tagKeys"])

    async def list_tags_for_resource(self, call: OperationCall) -> Members:
        """Return the tags of the group with an ARN."""
        return {"tags": self._tags(group_of_arn(call.params["resourceArn"]))}

    def _tags(self, group: str) -> dict[str, str]:
        row = self._store.row("SELECT tags FROM log_groups WHERE name = ?", group)
        if row is None:
            raise no_group()
        return dict(json.loads(row["tags"]))

    async def _tag(self, group: str, tags: dict[str, str]) -> Members:
        changed = self._tags(group) | tags
        if len(changed) > MAX_TAGS:
            raise ServiceError("TooManyTagsException", "A resource can have no more than 50 tags.")
        return await self._set(group, changed)

    async def _untag(self, group: str, keys: list[str]) -> Members:
        return await self._set(group, {key: value for key, value in self._tags(group).items() if key not in keys})

    async def _set(self, group: str, tags: dict[str, str]) -> Members:
        await self._store.execute("UPDATE log_groups SET tags = ? WHERE name = ?", json.dumps(tags), group)
        return {}
