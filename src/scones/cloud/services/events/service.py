"""The EventBridge service."""

from __future__ import annotations

from scones.cloud.services.events.buses import BusOperations
from scones.cloud.services.events.putting import EventOperations
from scones.cloud.services.events.rules import RuleOperations


class EventBridge(BusOperations, RuleOperations, EventOperations):
    """The EventBridge service; it stores events before it delivers them."""

    async def start(self) -> None:
        """Resume the deliveries that an earlier process left, and start the schedules."""
        self._router.start()
        self._scheduler.start()
