"""The base class of EventBridge's operation groups."""

from __future__ import annotations

from typing import Any, ClassVar

from scones.cloud.cloud import Cloud
from scones.cloud.core.outbox import Outbox
from scones.cloud.service import Service
from scones.cloud.services.events import records
from scones.cloud.services.events.records import Records
from scones.cloud.services.events.routing import OUTBOX, Router
from scones.cloud.services.events.scheduler import Scheduler


class Operations(Service):
    """The state that the operation groups share."""

    name: ClassVar[str] = "events"
    schema: ClassVar[str] = records.SCHEMA + ";" + Outbox.schema(OUTBOX)

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._records = Records(cloud)
        self._router = Router(cloud, self._records)
        self._scheduler = Scheduler(cloud, self._records, self._router)


def tags_of(params: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a request by key."""
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
