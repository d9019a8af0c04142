"""Operations on the tags of event buses and rules."""

from __future__ import annotations

from dataclasses import replace

from scones.cloud.service import OperationCall
from scones.cloud.services.events.rule_records import RuleRecords, tags_of
from scones.cloud.wire.members import Members

_BUS, _RULE = ":event-bus/", ":rule/"
_Tags = dict[str, str]


class TagOperations:
    """Operations on tags."""

    def __init__(self, records: RuleRecords) -> None:
        self._records = records

    async def tag_resource(self, call: OperationCall) -> Members:
        """Add or replace tags of a bus or a rule."""
        arn = call.params["ResourceARN"]
        await self._put(arn, self._tags(arn) | tags_of(call.params))
        return {}

    async def untag_resource(self, call: OperationCall) -> Members:
        """Remove tags from a bus or a rule."""
        arn, removed = call.params["ResourceARN"], call.params["TagKeys"]
        await self._put(arn, {key: value for key, value in self._tags(arn).items() if key not in removed})
        return {}

    async def list_tags_for_resource(self, call: OperationCall) -> Members:
        """Return the tags of a bus or a rule."""
        tags = self._tags(call.params["ResourceARN"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _tags(self, arn: str) -> _Tags:
        if _BUS in arn:
            return self._records.bus_tags(self._records.bus(arn))
        return self._records.rule(*self._rule_and_bus(arn)).tags

    async def _put(self, arn: str, tags: _Tags) -> None:
        if _BUS in arn:
            await self._records.put_bus_tags(self._records.bus(arn), tags)
        else:
            await self._records.put_rule(replace(self._records.rule(*self._rule_and_bus(arn)), tags=tags))

    def _rule_and_bus(self, arn: str) -> tuple[str, str]:
        *bus_parts, name = arn.rpartition(_RULE)[2].split("/")
        return name, self._records.bus("/".join(bus_parts))
