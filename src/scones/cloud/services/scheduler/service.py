"""The EventBridge Scheduler service."""

from __future__ import annotations

from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.service import Service
from scones.cloud.services.scheduler.groups import GroupOperations
from scones.cloud.services.scheduler.invocations import SCHEMA as INVOCATIONS
from scones.cloud.services.scheduler.invocations import Invocations
from scones.cloud.services.scheduler.runner import ScheduleRunner
from scones.cloud.services.scheduler.schedule_records import SCHEMA as SCHEDULES
from scones.cloud.services.scheduler.schedule_records import ScheduleRecords
from scones.cloud.services.scheduler.schedules import ScheduleOperations


class Scheduler(Service):
    """The EventBridge Scheduler API; schedules invoke functions, queues, topics, state machines and event buses."""

    name: ClassVar[str] = "scheduler"
    groups = (GroupOperations, ScheduleOperations)
    schema: ClassVar[str] = SCHEDULES + ";" + INVOCATIONS

    def __init__(self, cloud: CloudContext) -> None:
        records = ScheduleRecords(cloud)
        self._invocations = Invocations(cloud, records)
        self._runner = ScheduleRunner(cloud, records, self._invocations)
        super().__init__(cloud, GroupOperations(records), ScheduleOperations(cloud, records, self._runner))

    async def start(self) -> None:
        """Resume the invocations that an earlier process left, and start the schedules."""
        self._invocations.start()
        self._runner.start()
