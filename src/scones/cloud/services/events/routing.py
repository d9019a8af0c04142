"""Routing of events from a bus to the targets of its rules."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.time_slices import TimeSlices, sliced
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.patterns import Pattern, read_pattern
from scones.cloud.services.events.archive_records import ArchiveRecords
from scones.cloud.services.events.delivery import EventDelivery, lane
from scones.cloud.services.events.rule_records import Rule, RuleRecords

OUTBOX = "events_deliveries"


class EventRouter:
    """Finds the targets of events and stores deliveries in an outbox; `route` returns once they are on disk."""

    def __init__(self, cloud: CloudContext, records: RuleRecords, archives: ArchiveRecords) -> None:
        self._cloud = cloud
        self._records = records
        self._archives = archives
        delivery = EventDelivery(cloud, records, forward=self.route)
        self._outbox = Outbox(cloud, OUTBOX, delivery.deliver, delivery.failed)

    def start(self) -> None:
        """Resume the deliveries that an earlier process left unfinished."""
        self._outbox.start()

    async def route(self, bus: str, events: list[dict[str, Any]]) -> None:
        """Store events of a bus in its archives, and send them to the targets of the matching rules."""
        archived = await self._archived(bus, events)
        await self.send(await self._matches(self._records.patterns(bus), events), archived)

    async def replay(self, bus: str, events: list[dict[str, Any]], rule_arns: list[str] | None) -> None:
        """Send archived events to the targets of the matching rules, or of those of them in `rule_arns`."""
        rules = [
            (rule, pattern)
            for rule, pattern in self._records.patterns(bus)
            if rule_arns is None or self._records.rule_arn(rule) in rule_arns
        ]
        await self.send(await self._matches(rules, events))

    async def _matches(
        self, rules: list[tuple[Rule, Pattern]], events: list[dict[str, Any]]
    ) -> list[tuple[Rule, dict[str, Any]]]:
        async with TimeSlices() as slices:
            return [
                (rule, event) for event in events for rule, pattern in rules if await pattern.matches(event, slices)
            ]

    async def _archived(self, bus: str, events: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """Return the name of each archive of a bus with each event that it stores."""
        found = []
        for archive in self._archives.of_bus(bus):
            pattern = read_pattern(archive.document.get("EventPattern", "{}"))
            async with TimeSlices() as slices:
                found += [(archive.name, event) for event in events if await pattern.matches(event, slices)]
        return found

    async def send(
        self, found: list[tuple[Rule, dict[str, Any]]], archived: Sequence[tuple[str, dict[str, Any]]] = ()
    ) -> None:
        """Send each event to all targets of its rule, and store the events that archives keep."""
        events = {event["id"]: event for _, event in found}
        lanes: dict[str, list[str]] = defaultdict(list)
        async with TimeSlices() as slices:
            async for rule, event in sliced(found, slices):
                ids = self._records.target_ids(rule.bus, rule.name)
                lanes[event["id"]] += [lane(rule.bus, rule.name, each) for each in ids]
        if not any(lanes.values()) and not archived:
            return

        def keep(connection: sqlite3.Connection) -> None:
            for name, event in archived:
                self._archives.put_event(connection, name, datetime.fromisoformat(event["time"]).timestamp(), event)
            for event_id, event in events.items():
                self._outbox.put(connection, lanes[event_id], event)

        await self._cloud.store.write(keep)
        self._outbox.wake(set(chain.from_iterable(lanes.values())))
