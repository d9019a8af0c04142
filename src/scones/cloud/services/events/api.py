"""The EventBridge service."""

from __future__ import annotations

from scones.cloud.services.events.buses import BusOperations
from scones.cloud.services.events.putting import PuttingOperations
from scones.cloud.services.events.rules import RuleOperations


class EventBridge(BusOperations, RuleOperations, PuttingOperations):
    """Buses whose events are delivered from the store."""

    async def start(self) -> None:
        """Go on with the deliveries that a former process left."""
        self._router.start()
        self._scheduler.start()
