"""Routing of events from a bus to the targets of its rules."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from itertools import chain
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.time_slices import TimeSlices, sliced
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.services.events.delivery import EventDelivery, lane
from scones.cloud.services.events.rule_records import Rule, RuleRecords

OUTBOX = "events_deliveries"


class EventRouter:
    """Finds the targets of events and stores deliveries in an outbox; `route` returns once they are on disk."""

    def __init__(self, cloud: CloudContext, records: RuleRecords) -> None:
        self._cloud = cloud
        self._records = records
        delivery = EventDelivery(cloud, records, forward=self.route)
        self._outbox = Outbox(cloud, OUTBOX, delivery.deliver, delivery.failed)

    def start(self) -> None:
        """Resume the deliveries that an earlier process left unfinished."""
        self._outbox.start()

    async def route(self, bus: str, events: list[dict[str, Any]]) -> None:
        """Send events of a bus to the targets of the matching rules."""
        rules = self._records.patterns(bus)
        async with TimeSlices() as slices:
            found = [
                (rule, event) for event in events for rule, pattern in rules if await pattern.matches(event, slices)
            ]
        await self.send(found)

    async def send(self, found: list[tuple[Rule, dict[str, Any]]]) -> None:
        """Send each event to all targets of its rule."""
        events = {event["id"]: event for _, event in found}
        lanes: dict[str, list[str]] = defaultdict(list)
        async with TimeSlices() as slices:
            async for rule, event in sliced(found, slices):
                ids = self._records.target_ids(rule.bus, rule.name)
                lanes[event["id"]] += [lane(rule.bus, rule.name, each) for each in ids]
        if not any(lanes.values()):
            return

        def keep(connection: sqlite3.Connection) -> None:
            for event_id, event in events.items():
                self._outbox.put(connection, lanes[event_id], event)

        await self._cloud.store.write(keep)
        self._outbox.wake(set(chain.from_iterable(lanes.values())))
