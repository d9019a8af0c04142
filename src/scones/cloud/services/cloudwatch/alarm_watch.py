"""The background task that evaluates alarms."""

from __future__ import annotations

import asyncio
import json
import logging
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import describe
from scones.cloud.errors import ServiceError
from scones.cloud.services.cloudwatch.alarm_evaluation import alarm_period, evaluate
from scones.cloud.services.cloudwatch.alarm_messages import iso_time
from scones.cloud.services.cloudwatch.alarm_records import AlarmRecords
from scones.cloud.services.cloudwatch.alarm_states import AlarmStates
from scones.cloud.services.cloudwatch.composite_rules import CompositeRule
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

SHORTEST = 2.0
"""Seconds between two looks for alarms that are due."""
LONGEST = 10.0
"""Maximum number of seconds between two evaluations of an alarm; AWS evaluates each minute, or each 10 seconds."""


class AlarmWatch:
    """Evaluates metric alarms regularly, and composite alarms after each change of an alarm."""

    def __init__(self, cloud: CloudContext, records: AlarmRecords, states: AlarmStates) -> None:
        self._cloud = cloud
        self._records = records
        self._states = states
        self._changed = asyncio.Event()
        self._next: dict[str, float] = {}

    def start(self) -> None:
        """Start the background task; it sleeps while there are no alarms."""
        self._changed.set()
        self._cloud.spawn(self._run(), name="alarms")

    def wake(self) -> None:
        """Look for alarms again: one was created, or values have come."""
        self._changed.set()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while alarms := self._records.all():
                await self._evaluate_due(alarms)
                await asyncio.sleep(SHORTEST)
            self._next.clear()

    async def _evaluate_due(self, alarms: list[Members]) -> None:
        now = time.time()
        known = {alarm["AlarmName"] for alarm in alarms}
        self._next = {name: at for name, at in self._next.items() if name in known}
        for alarm in alarms:
            name = alarm["AlarmName"]
            if "AlarmRule" not in alarm and self._next.get(name, 0.0) <= now:
                self._next[name] = now + min(LONGEST, alarm_period(alarm))
                await self._evaluate(alarm, now)
        await self.evaluate_composites()

    async def _evaluate(self, alarm: Members, now: float) -> None:
        try:
            verdict = await evaluate(self._cloud.store, alarm, now)
        except ServiceError as error:
            log.warning("The alarm %s could not be evaluated: %s", alarm["AlarmName"], describe(error))
            return
        if verdict is not None and verdict.state != alarm["StateValue"]:
            await self._states.change(alarm["AlarmName"], verdict.state, verdict.reason, verdict.data)

    async def evaluate_composites(self) -> None:
        """Evaluate composite alarms until none changes; those that contain each other are stopped after some rounds."""
        for _ in range(10):
            alarms = {alarm["AlarmName"]: alarm for alarm in self._records.all()}
            changed = False
            for alarm in alarms.values():
                if "AlarmRule" in alarm:
                    changed |= await self._evaluate_composite(alarm, alarms)
            if not changed:
                return

    async def _evaluate_composite(self, alarm: Members, alarms: dict[str, Members]) -> bool:
        rule = CompositeRule(alarm["AlarmRule"])

        def state_of(name: str) -> str | None:
            return alarms[name]["StateValue"] if name in alarms else None

        state = "ALARM" if rule.holds(state_of) else "OK"
        if state == alarm["StateValue"]:
            return False
        children = [alarms[name] for name in dict.fromkeys(rule.alarms) if name in alarms]
        latest = max(children, key=lambda child: float(child["StateTransitionedTimestamp"]), default=None)
        reason, data = f"{alarm['AlarmArn']} was set to {state} by its rule", None
        if latest is not None:
            when = iso_time(latest["StateTransitionedTimestamp"])
            reason = f"{latest['AlarmArn']} transitioned to {latest['StateValue']} at {_long(latest)}"
            child_state = {"value": latest["StateValue"], "timestamp": when}
            data = json.dumps({"triggeringAlarms": [{"arn": latest["AlarmArn"], "state": child_state}]})
        return await self._states.change(alarm["AlarmName"], state, reason, data)


def _long(alarm: Members) -> str:
    """Return the time of a transition as reasons have it: `Friday 31 January, 2026 09:30:00 UTC`."""
    moment = time.gmtime(alarm["StateTransitionedTimestamp"])
    return time.strftime("%A %d %B, %Y %H:%M:%S UTC", moment)
