"""The EventBridge service."""

from __future__ import annotations

from typing import Any, ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.service import Service
from scones.cloud.services.events import archive_records, rule_records
from scones.cloud.services.events.archive_records import ArchiveRecords
from scones.cloud.services.events.archives import ArchiveOperations
from scones.cloud.services.events.buses import BusOperations
from scones.cloud.services.events.permissions import PermissionOperations
from scones.cloud.services.events.putting import EventOperations
from scones.cloud.services.events.replays import ReplayOperations
from scones.cloud.services.events.routing import OUTBOX, EventRouter
from scones.cloud.services.events.rule_records import DEFAULT_BUS, RuleRecords
from scones.cloud.services.events.rules import RuleOperations
from scones.cloud.services.events.scheduler import RuleScheduler
from scones.cloud.services.events.tags import TagOperations


class EventBridge(Service):
    """The EventBridge API; events are stored before they are delivered."""

    name: ClassVar[str] = "events"
    groups = (
        BusOperations,
        PermissionOperations,
        RuleOperations,
        TagOperations,
        EventOperations,
        ArchiveOperations,
        ReplayOperations,
    )
    schema: ClassVar[str] = ";".join((rule_records.SCHEMA, archive_records.SCHEMA, Outbox.schema(OUTBOX)))

    def __init__(self, cloud: CloudContext) -> None:
        self._records = RuleRecords(cloud)
        self._archive_records = archives = ArchiveRecords(cloud.store)
        self._router = EventRouter(cloud, self._records, archives)
        self._scheduler = RuleScheduler(cloud, self._records, self._router)
        self._events = EventOperations(cloud, self._records, self._router)
        self._archives = ArchiveOperations(cloud, self._records, archives)
        self._replays = ReplayOperations(cloud, self._records, archives, self._router)
        super().__init__(
            cloud,
            BusOperations(self._records, archives),
            PermissionOperations(self._records),
            RuleOperations(cloud, self._records, self._scheduler),
            TagOperations(self._records),
            self._events,
            self._archives,
            self._replays,
        )

    async def start(self) -> None:
        """Resume the deliveries that an earlier process left unfinished, and start the schedules."""
        self._router.start()
        self._scheduler.start()
        self._replays.start()
        self.cloud.spawn(self._archives.expire(), name="expiry of archived events")

    def takes_service_events(self) -> bool:
        """Return True if the default bus has an enabled rule with an event pattern, or an archive."""
        return self._records.has_pattern_rules(DEFAULT_BUS) or bool(self._archive_records.of_bus(DEFAULT_BUS))

    async def put_service_event(
        self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        """Put an event of one of the cloud's services (`aws.states`) on the default bus."""
        await self._events.put_service_event(source, detail_type, detail, resources)
