"""The CloudWatch Logs service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.service import Service
from scones.cloud.services.logs.event_writer import Event, EventWriter
from scones.cloud.services.logs.events import LogEventOperations
from scones.cloud.services.logs.groups import LogGroupOperations
from scones.cloud.services.logs.schema import SCHEMA
from scones.cloud.services.logs.streams import LogStreamOperations


class Logs(Service):
    """The CloudWatch Logs API; groups, streams and events are in the store, and other services write with `append`."""

    name: ClassVar[str] = "logs"
    groups = (LogGroupOperations, LogStreamOperations, LogEventOperations)
    schema: ClassVar[str] = SCHEMA
    validation_code: ClassVar[str] = "InvalidParameterException"

    def __init__(self, cloud: CloudContext) -> None:
        self._writer = EventWriter(cloud.store)
        super().__init__(
            cloud,
            LogGroupOperations(cloud),
            LogStreamOperations(cloud),
            LogEventOperations(cloud.store, self._writer),
        )

    def append(self, group: str, stream: str, events: Iterable[Event]) -> asyncio.Future[None] | None:
        """Queue events for writing without waiting; group and stream are created on first use.

        Returns a future to wait for before appending more, if many of the stream's events are unwritten.
        """
        return self._writer.append(group, stream, events)

    def deliver(self, group: str, stream: str, events: Iterable[Event]) -> None:
        """Queue events of an AWS service's log without waiting; they are dropped if the group does not exist."""
        self._writer.deliver(group, stream, events)
