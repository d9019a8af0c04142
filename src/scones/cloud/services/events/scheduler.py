"""The scheduler that fires rules at their scheduled times."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import iso_seconds
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.services.events.routing import EventRouter
from scones.cloud.services.events.rule_records import Rule, RuleRecords
from scones.cloud.services.events.schedule import parse_schedule

LONGEST_SLEEP = 86_400.0
"""Maximum seconds between two checks of the queue: a timer cannot wait until the year 2199."""


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
        self._changed = asyncio.Event()
        self._not_resumed: dict[Key, float] = {}
        self._next: dict[Key, float] = {}
        """Next fire time of each rule, in Unix seconds."""
        self._queue: list[tuple[float, Key]] = []
        """A heap of fire times; an entry that no longer agrees with `_next` is skipped."""

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
        self._changed.set()

    def _find(self, key: Key) -> Rule | None:
        """Return an enabled rule with a schedule; for any other, delete its next fire time and return None."""
        bus, name = key
        rule = self._records.find_rule(name, bus)
        if rule is not None and rule.schedule and rule.enabled:
            return rule
        self._next.pop(key, None)
        return None

    def _plan(self, rule: Rule, after: float) -> None:
        """Queue a rule's first fire time after `after`."""
        key = (rule.bus, rule.name)
        at = next_time(rule, after)
        if at is None or self._not_resumed.get(key) == rule.modified:
            self._next.pop(key, None)
            return
        self._next[key] = at
        heapq.heappush(self._queue, (at, key))
        if len(self._queue) > 2 * len(self._next) + MAX_FIRED_AT_ONCE:  # mostly stale: rules were put repeatedly
            self._queue = [(at, key) for key, at in self._next.items()]
            heapq.heapify(self._queue)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            wait = self._queue[0][0] - time.time() if self._queue else LONGEST_SLEEP
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(0.0, wait), LONGEST_SLEEP)):
                    await self._changed.wait()
            while due := await self._due(time.time()):
                await self._router.send([(rule, self._event(rule, at)) for rule, at in due])

    async def _due(self, now: float) -> list[tuple[Rule, float]]:
        """Return up to `MAX_FIRED_AT_ONCE` due rules with their fire times, in order, and queue their next fire
        times."""
        due: list[tuple[Rule, float]] = []
        async with TimeSlices() as slices:
            while self._queue and self._queue[0][0] <= now and len(due) < MAX_FIRED_AT_ONCE:
                if slices.used_up():
                    await slices.pause()
                    continue
                at, key = heapq.heappop(self._queue)
                if self._next.get(key) == at and (rule := self._find(key)):
                    due.append((rule, at))
                    self._plan(rule, now)
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
