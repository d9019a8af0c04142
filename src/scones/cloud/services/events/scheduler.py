"""Firing rules at their times."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.resumption import Leftover
from scones.cloud.services.events.records import Records, Rule
from scones.cloud.services.events.routing import Router
from scones.cloud.services.events.schedule import parse_schedule
from scones.cloud.time_slices import TimeSlices

LONGEST_SLEEP = 86_400.0
"""Seconds until the rules are looked at again: a timer cannot wait for the year 2199."""


FIRED_TOGETHER = 20
"""Rules whose events are kept in one write; requests are served in between."""

Key = tuple[str, str]
"""The bus and the name of a rule."""


class Scheduler:
    """Sleeps until the next rule is due. Times that pass while the cloud is down are not made up for."""

    def __init__(self, cloud: Cloud, records: Records, router: Router) -> None:
        self._cloud = cloud
        self._records = records
        self._router = router
        self._changed = asyncio.Event()
        self._silent: dict[Key, float] = {}
        self._next: dict[Key, float] = {}
        """The next time of each rule, in Unix seconds."""
        self._queue: list[tuple[float, Key]] = []
        """A heap of times; those that are not in `_next` any more are skipped."""

    def start(self) -> None:
        """Begin to keep the times; with `recover` the rules that are there stay silent until they are put again."""
        resumption, rules = self._cloud.resumption, self._records.scheduled()
        if resumption.recover:
            self._silent = {(rule.bus, rule.name): rule.modified for rule in rules}
            resumption.plan(Leftover("schedule", name, self._nothing) for _, name in self._silent)
        now = time.time()
        for rule in rules:
            self._plan(rule, now)
        self._cloud.spawn(self._run(), name="event schedules")

    async def _nothing(self) -> None:
        """Do nothing: the times of all rules are kept by one task."""

    def changed(self, bus: str, name: str) -> None:
        """Look at a rule again: it was put, switched or deleted."""
        if rule := self._find((bus, name)):
            self._plan(rule, time.time())
        self._changed.set()

    def _find(self, key: Key) -> Rule | None:
        """Return a rule that keeps times, or forget its next time."""
        bus, name = key
        rule = self._records.find_rule(name, bus)
        if rule is not None and rule.schedule and rule.enabled:
            return rule
        self._next.pop(key, None)
        return None

    def _plan(self, rule: Rule, after: float) -> None:
        """Keep a rule's first time after a moment."""
        key = (rule.bus, rule.name)
        at = next_time(rule, after)
        if at is None or self._silent.get(key) == rule.modified:
            self._next.pop(key, None)
            return
        self._next[key] = at
        heapq.heappush(self._queue, (at, key))
        if len(self._queue) > 2 * len(self._next) + FIRED_TOGETHER:  # most are skipped: rules are put again and again
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
        """Return the first rules that are due, in order, with their times, and plan their next ones."""
        due: list[tuple[Rule, float]] = []
        async with TimeSlices() as slices:
            while self._queue and self._queue[0][0] <= now and len(due) < FIRED_TOGETHER:
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
            "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._cloud.settings.region,
            "resources": [self._records.rule_arn(rule)],
            "detail": {},
        }


def next_time(rule: Rule, after: float) -> float | None:
    """Return a rule's first time after a moment (Unix seconds), or None where it never fires again."""
    try:
        return parse_schedule(rule.schedule or "").next(after, rule.modified)
    except ValueError:  # put before such schedules were refused: it never fires
        return None
