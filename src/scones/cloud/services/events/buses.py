"""Operations on event buses."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.events.archive_records import ArchiveRecords
from scones.cloud.services.events.errors import invalid, no_bus
from scones.cloud.services.events.rule_records import DEFAULT_BUS, RuleRecords, page, tags_of
from scones.cloud.wire.members import Members

_STORED_MEMBERS = ("Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")


class BusOperations:
    """Operations on event buses; the default bus always exists."""

    def __init__(self, records: RuleRecords, archives: ArchiveRecords) -> None:
        self._records = records
        self._archives = archives

    async def create_event_bus(self, call: OperationCall) -> Members:
        """Create a bus."""
        name = call.params["Name"]
        if "EventSourceName" in call.params:
            raise invalid("The local cloud does not support partner event sources; omit EventSourceName.")
        if "/" in name:
            raise invalid("Event bus name must not contain '/'.")
        document = {key: call.params[key] for key in _STORED_MEMBERS if key in call.params}
        if not await self._records.add_bus(name, document, tags_of(call.params)):
            raise ServiceError("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
        return {"EventBusArn": self._records.bus_arn(name), **document}

    async def delete_event_bus(self, call: OperationCall) -> Members:
        """Delete a bus that has no rules."""
        name = call.params["Name"]
        if name == DEFAULT_BUS:
            raise invalid("Cannot delete event bus default.")
        if self._records.find_bus(name) is None:
            raise no_bus(name)
        if self._records.has_rules(name) or self._archives.of_bus(name):  # on AWS, each archive has a rule
            raise invalid(f"Event bus {name} can't be deleted since it has rules.")
        await self._records.delete_bus(name)
        return {}

    async def describe_event_bus(self, call: OperationCall) -> Members:
        """Describe a bus."""
        name = self._records.bus(call.params.get("Name"))
        row = self._records.find_bus(name)
        if row is None:
            raise no_bus(name)
        return {**self._described(row), **json.loads(row["document"])}

    async def list_event_buses(self, call: OperationCall) -> Members:
        """List buses, sorted by name."""
        rows = self._records.buses(call.params.get("NamePrefix", ""))
        found, token = page(rows, call.params.get("NextToken"), call.params.get("Limit"))
        return {"EventBuses": [self._described(row) for row in found], "NextToken": token}

    def _described(self, row: sqlite3.Row) -> dict[str, Any]:
        document = json.loads(row["document"])
        return {
            "Name": row["name"],
            "Arn": self._records.bus_arn(row["name"]),
            "Description": document.get("Description"),
            "Policy": document.get("Policy"),
            "CreationTime": row["created"],
            "LastModifiedTime": row["modified"],
        }
