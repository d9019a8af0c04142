"""The base class of EventBridge's operation groups."""

from __future__ import annotations

from typing import Any, ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.core.outbox import Outbox
from scones.cloud.service import Service
from scones.cloud.services.events import rule_records as records
from scones.cloud.services.events.routing import OUTBOX, Router
from scones.cloud.services.events.rule_records import RuleRecords
from scones.cloud.services.events.scheduler import RuleScheduler


class EventBridgeBase(Service):
    """The state that the operation groups share."""

    name: ClassVar[str] = "events"
    schema: ClassVar[str] = records.SCHEMA + ";" + Outbox.schema(OUTBOX)

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self._records = RuleRecords(cloud)
        self._router = Router(cloud, self._records)
        self._scheduler = RuleScheduler(cloud, self._records, self._router)


def tags_of(params: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a request by key."""
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
