"""The runner of schedules: it stores an invocation of the target whenever a schedule is due."""

from __future__ import annotations

import random
import sqlite3
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.fire_times import FireTimes
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.services.scheduler.invocations import Invocations
from scones.cloud.services.scheduler.schedule_records import ScheduleRecords, StoredSchedule

MINUTE = 60.0
Key = tuple[str, str]
"""The group and the name of a schedule."""


class ScheduleRunner:
    """Sleeps until the next schedule is due.

    Fire times that pass while the cloud is down are skipped, except that of a one-time schedule: it fires at the start.
    """

    def __init__(self, cloud: CloudContext, records: ScheduleRecords, invocations: Invocations) -> None:
        self._cloud = cloud
        self._records = records
        self._invocations = invocations
        self._times: FireTimes[Key] = FireTimes()
        self._not_resumed: dict[Key, float] = {}

    def start(self) -> None:
        """Start the schedules; with `recover`, existing schedules do not fire until they are updated."""
        resumption, schedules = self._cloud.resumption, self._records.schedules()
        if resumption.recover:
            self._not_resumed = {schedule.key: schedule.modified for schedule in schedules}
            names = (f"{group}/{name}" for group, name in self._not_resumed)
            resumption.plan(ResumableWork("schedule", name, self._do_nothing) for name in names)
        now = time.time()
        for schedule in schedules:
            missed = schedule.once and schedule.fired is None
            self._plan(schedule, _first_moment(schedule) if missed else now)
        self._cloud.spawn(self._run(), name="schedules")

    async def _do_nothing(self) -> None:
        """Do nothing: one task serves all schedules."""

    def changed(self, group: str, name: str) -> None:
        """Plan a schedule that was created, updated or deleted."""
        schedule = self._records.find(group, name)
        if schedule is None:
            self._times.plan((group, name), None)
        else:
            self._plan(schedule, _first_moment(schedule))

    def _plan(self, schedule: StoredSchedule, after: float) -> None:
        resumed = self._not_resumed.get(schedule.key) != schedule.modified
        self._times.plan(schedule.key, schedule.next(after) if schedule.enabled and resumed else None)

    async def _run(self) -> None:
        while True:
            await self._times.wait()
            while found := self._times.take(time.time()):
                at, key = found
                if (schedule := self._records.find(*key)) is not None and schedule.enabled:
                    await self._fire(schedule, at)

    async def _fire(self, schedule: StoredSchedule, at: float) -> None:
        """Store an invocation, at a random time of the flexible window, and plan the next one."""
        now = time.time()
        window = schedule.document["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0) * MINUTE
        due = max(now, at + random.random() * window)
        final = schedule.next(max(now, at)) is None

        def write(connection: sqlite3.Connection) -> int:
            connection.execute(
                "UPDATE scheduler_schedules SET fired = ? WHERE group_name = ? AND name = ?", (at, *schedule.key)
            )
            return self._invocations.put(connection, schedule, at, due, final=final)

        self._invocations.plan(await self._cloud.store.write(write), due)
        self._plan(schedule, max(now, at))


def _first_moment(schedule: StoredSchedule) -> float:
    """Return the time after which a schedule that was created or updated fires.

    A rate fires at once when it is created. A one-time schedule fires within the minute that its time names.
    """
    if schedule.once:
        return schedule.modified - MINUTE
    new = schedule.created == schedule.modified
    return schedule.created - 1 if new and schedule.document["ScheduleExpression"].startswith("rate(") else time.time()
