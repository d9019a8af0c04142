"""The scheduler that fires rules at their scheduled times."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import iso_seconds
from scones.cloud.core.fire_times import FireTimes
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.services.events.routing import EventRouter
from scones.cloud.services.events.rule_records import Rule, RuleRecords
from scones.cloud.services.events.schedule import parse_schedule

MAX_FIRED_AT_ONCE = 20
"""Maximum number of due rules whose events are stored in one write; requests are served between writes."""

Key = tuple[str, str]
"""The bus and the name of a rule."""


class RuleScheduler:
    """Sleeps until the next rule is due, and fires it. Fire times that pass while the cloud is down are skipped."""

    def __init__(self, cloud: CloudContext, records: RuleRecords, router: EventRouter) -> None:
        self._cloud = cloud
        self._records = records
        self._router = router
        self._not_resumed: dict[Key, float] = {}
        self._times: FireTimes[Key] = FireTimes()

    def start(self) -> None:
        """Start the schedules; with `recover`, existing rules do not fire until they are put again."""
        resumption, rules = self._cloud.resumption, self._records.scheduled()
        if resumption.recover:
            self._not_resumed = {(rule.bus, rule.name): rule.modified for rule in rules}
            resumption.plan(ResumableWork("schedule", name, self._do_nothing) for _, name in self._not_resumed)
        now = time.time()
        for rule in rules:
            self._plan(rule, now)
        self._cloud.spawn(self._run(), name="event schedules")

    async def _do_nothing(self) -> None:
        """Do nothing: one task serves the schedules of all rules."""

    def changed(self, bus: str, name: str) -> None:
        """Reschedule a rule that was put, enabled, disabled or deleted."""
        if rule := self._find((bus, name)):
            self._plan(rule, time.time())
        else:
            self._times.plan((bus, name), None)

    def _find(self, key: Key) -> Rule | None:
        """Return an enabled rule with a schedule, or None."""
        bus, name = key
        rule = self._records.find_rule(name, bus)
        return rule if rule is not None and rule.schedule and rule.enabled else None

    def _plan(self, rule: Rule, after: float) -> None:
        """Queue a rule's first fire time after `after`."""
        key = (rule.bus, rule.name)
        self._times.plan(key, None if self._not_resumed.get(key) == rule.modified else next_time(rule, after))

    async def _run(self) -> None:
        while True:
            await self._times.wait()
            while due := await self._due(time.time()):
                await self._router.send([(rule, self._event(rule, at)) for rule, at in due])

    async def _due(self, now: float) -> list[tuple[Rule, float]]:
        """Return up to `MAX_FIRED_AT_ONCE` due rules with their fire times, in order, and plan their next fire
        times."""
        due: list[tuple[Rule, float]] = []
        async with TimeSlices() as slices:
            while len(due) < MAX_FIRED_AT_ONCE and (found := self._times.take(now)):
                at, key = found
                if rule := self._find(key):
                    due.append((rule, at))
                    self._plan(rule, now)
                if slices.used_up():
                    await slices.pause()
        return due

    def _event(self, rule: Rule, at: float) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self._cloud.settings.account,
            "time": iso_seconds(datetime.fromtimestamp(at, UTC)),
            "region": self._cloud.settings.region,
            "resources": [self._records.rule_arn(rule)],
            "detail": {},
        }


def next_time(rule: Rule, after: float) -> float | None:
    """Return a rule's first fire time after `after` (both in Unix seconds), or None if it never fires again."""
    try:
        return parse_schedule(rule.schedule or "").next(after, rule.modified)
    except ValueError:  # the rule was put by a version that did not refuse this schedule: it never fires
        return None
