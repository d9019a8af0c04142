"""Firing rules at their times."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.resumption import Leftover
from scones.cloud.services.events.records import Records, Rule
from scones.cloud.services.events.routing import Router
from scones.cloud.services.events.schedule import parse_schedule

log = logging.getLogger(__name__)

LONGEST_SLEEP = 86_400.0
"""Seconds until the rules are looked at again: a timer cannot wait for the year 2199."""


class Scheduler:
    """Sleeps until the next rule is due. Times that pass while the cloud is down are not made up for."""

    def __init__(self, cloud: Cloud, records: Records, router: Router) -> None:
        self._cloud = cloud
        self._records = records
        self._router = router
        self._changed = asyncio.Event()
        self._silent: dict[tuple[str, str], float] = {}

    def start(self) -> None:
        """Begin to keep the times; with `recover` the rules that are there stay silent until they are put again."""
        resumption = self._cloud.resumption
        if resumption.recover:
            self._silent = {(rule.bus, rule.name): rule.modified for rule in self._records.scheduled()}
            resumption.plan(Leftover("schedule", name, self._nothing) for _, name in self._silent)
        self._cloud.spawn(self._run(), name="event schedules")

    async def _nothing(self) -> None:
        """Do nothing: the times of all rules are kept by one task."""

    def _scheduled(self) -> list[Rule]:
        rules = self._records.scheduled()
        return [rule for rule in rules if self._silent.get((rule.bus, rule.name)) != rule.modified]

    def changed(self) -> None:
        """Look at the rules again: one was put, switched or deleted."""
        self._changed.set()

    async def _run(self) -> None:
        last = time.time()
        while True:
            self._changed.clear()
            coming = [at for _, at in upcoming(self._scheduled(), last)]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(0.0, min(coming) - time.time()), LONGEST_SLEEP) if coming else None):
                    await self._changed.wait()
            now = time.time()
            due = [(rule, at) for rule, at in upcoming(self._scheduled(), last) if at <= now]
            await self._router.send([(rule, self._event(rule, at)) for rule, at in due])
            last = now

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


def upcoming(rules: list[Rule], after: float) -> list[tuple[Rule, float]]:
    """Return the rules that have a time after a moment, with the first such time (Unix seconds)."""
    found = [(rule, _next(rule, after)) for rule in rules]
    return [(rule, at) for rule, at in found if at is not None]


def _next(rule: Rule, after: float) -> float | None:
    try:
        return parse_schedule(rule.schedule or "").next(after, rule.modified)
    except ValueError:  # put before such schedules were refused: it never fires
        return None
