"""Operations on archives, and the expiry of archived events."""

from __future__ import annotations

import asyncio
import time

from scones.cloud.context import CloudContext
from scones.cloud.service import OperationCall
from scones.cloud.services.events.archive_records import Archive, ArchiveRecords
from scones.cloud.services.events.errors import invalid
from scones.cloud.services.events.rule_records import RuleRecords, page
from scones.cloud.services.events.rules import check_event_pattern
from scones.cloud.wire.members import Members

STATE = "ENABLED"
"""The only state of an archive here: it is created and updated at once."""
EXPIRY_SECONDS = 3600.0
"""Seconds between two removals of expired events."""
REPLAY_DAYS = 90
"""Days for which a replay is described (EventBridge User Guide: replays are kept for 90 days)."""
_DAY = 86_400.0
_EXPIRED_AT_ONCE = 500
_STORED_MEMBERS = ("Description", "EventPattern", "KmsKeyIdentifier")
_UPDATED_MEMBERS = ("EventPattern", "RetentionDays", "Description")
_FILTERS = ("State", "EventSourceArn", "NamePrefix")


class ArchiveOperations:
    """Operations on archives."""

    def __init__(self, cloud: CloudContext, records: RuleRecords, archives: ArchiveRecords) -> None:
        self._cloud = cloud
        self._records = records
        self._archives = archives

    async def create_archive(self, call: OperationCall) -> Members:
        """Create an archive of the events that a bus receives from now on."""
        params = call.params
        bus = self._records.bus(params["EventSourceArn"])
        if pattern := params.get("EventPattern"):
            check_event_pattern(pattern)
        document = {member: params[member] for member in _STORED_MEMBERS if member in params}
        document["RetentionDays"] = params.get("RetentionDays", 0)
        created = await self._archives.add(params["ArchiveName"], bus, document)
        return {"ArchiveArn": self._arn(params["ArchiveName"]), "State": STATE, "CreationTime": created}

    async def describe_archive(self, call: OperationCall) -> Members:
        """Describe an archive."""
        archive = self._archives.archive(call.params["ArchiveName"])
        return {**self._listed(archive), "ArchiveArn": self._arn(archive.name), **archive.document}

    async def update_archive(self, call: OperationCall) -> Members:
        """Change an archive's description, pattern or retention."""
        params = call.params
        if not any(member in params for member in (*_UPDATED_MEMBERS, "KmsKeyIdentifier")):
            raise invalid("At least one of EventPattern, RetentionDays or Description must be provided.")
        if pattern := params.get("EventPattern"):
            check_event_pattern(pattern)
        archive = self._archives.archive(params["ArchiveName"])
        changed = {member: params[member] for member in (*_STORED_MEMBERS, "RetentionDays") if member in params}
        await self._archives.update(archive.name, archive.document | changed)
        return {"ArchiveArn": self._arn(archive.name), "State": STATE, "CreationTime": archive.created}

    async def delete_archive(self, call: OperationCall) -> Members:
        """Delete an archive with its events."""
        archive = self._archives.archive(call.params["ArchiveName"])
        await self._archives.delete(archive.name)
        return {}

    async def list_archives(self, call: OperationCall) -> Members:
        """List archives, sorted by name: all, or those with a name prefix, of a bus, or in a state."""
        params, found = call.params, self._archives.archives()
        if sum(member in params for member in _FILTERS) > 1:
            raise invalid(
                "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix."
            )
        if "EventSourceArn" in params:
            bus = self._records.bus(params["EventSourceArn"])
            found = [archive for archive in found if archive.bus == bus]
        if params.get("State", STATE) != STATE:
            found = []
        found = [archive for archive in found if archive.name.startswith(params.get("NamePrefix", ""))]
        shown, token = page(found, params.get("NextToken"), params.get("Limit"))
        return {"Archives": [self._listed(archive) for archive in shown], "NextToken": token}

    async def expire(self) -> None:
        """Remove expired events and old replays again and again."""
        while True:
            await self._archives.expire_replays(time.time() - REPLAY_DAYS * _DAY)
            for archive in self._archives.archives():
                before = time.time() - archive.days * _DAY
                while archive.days and await self._archives.expire(archive.name, before, _EXPIRED_AT_ONCE):
                    pass
            await asyncio.sleep(EXPIRY_SECONDS)

    def _arn(self, name: str) -> str:
        return self._cloud.arn("events", f"archive/{name}")

    def _listed(self, archive: Archive) -> Members:
        return {
            "ArchiveName": archive.name,
            "EventSourceArn": self._records.bus_arn(archive.bus),
            "State": STATE,
            "RetentionDays": archive.days,
            "SizeBytes": archive.bytes,
            "EventCount": archive.events,
            "CreationTime": archive.created,
        }
