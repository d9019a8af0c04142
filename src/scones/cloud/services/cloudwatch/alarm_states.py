"""Changes of an alarm's state, and the actions that follow."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from functools import cache
from typing import TypedDict

from botocore.loaders import Loader

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import service_of
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.delivery.targets import TargetMessage, check_ready, send
from scones.cloud.errors import ServiceError
from scones.cloud.services.cloudwatch.alarm_events import may_match, put_state_change
from scones.cloud.services.cloudwatch.alarm_messages import function_event, topic_message
from scones.cloud.services.cloudwatch.alarm_records import add_history
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

TABLE = "cloudwatch_actions"
EVENT_LANE = "events"
"""The lane of the outbox for EventBridge; AWS guarantees the delivery of these events."""
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
ACTED_ON = ("sns", "lambda")
"""Services whose actions are performed; those of others are stored only."""


class Change(TypedDict):
    """A change of state: the alarm after it, and the alarm before it."""

    alarm: Members
    before: Members


class AlarmStates:
    """Changes states, writes the history, performs the actions and sends events.

    An outbox keeps actions and events until they are done.
    """

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._outbox: Outbox[Change] = Outbox(cloud, TABLE, self._act, self._failed)

    def start(self) -> None:
        """Plan the actions that an earlier process left."""
        self._outbox.start()

    async def change(self, name: str, state: str, reason: str, data: str | None) -> bool:
        """Change an alarm's state; returns True if it was another one. An alarm that was deleted stays deleted."""
        lanes: list[str] = []
        events = [EVENT_LANE] if may_match(self._cloud) else []

        def write(connection: sqlite3.Connection) -> bool:
            lanes.clear()
            row = connection.execute("SELECT document FROM cloudwatch_alarms WHERE name = ?", (name,)).fetchone()
            if row is None:
                return False
            before: Members = json.loads(row["document"])
            alarm = _changed(before, state, reason, data)
            connection.execute("UPDATE cloudwatch_alarms SET document = ? WHERE name = ?", (json.dumps(alarm), name))
            if before["StateValue"] == state:
                return False
            add_history(connection, alarm, ("StateUpdate", *_history(before, alarm)))
            lanes.extend(events)
            if alarm["ActionsEnabled"]:
                lanes.extend(arn for arn in dict.fromkeys(alarm[_ACTIONS[state]]) if service_of(arn) in ACTED_ON)
            if lanes:
                self._outbox.put(connection, lanes, Change(alarm=alarm, before=before))
            return True

        changed = await self._cloud.store.write(write)
        self._outbox.wake(lanes)
        return changed

    async def _act(self, arn: str, change: Change) -> None:
        """Perform the action of a lane, or send the event."""
        alarm, before = change["alarm"], change["before"]
        if arn == EVENT_LANE:
            await put_state_change(self._cloud, alarm, before)
            return
        region, account = self._cloud.settings.region, self._cloud.settings.account
        if service_of(arn) == "lambda":
            event = function_event(alarm, before, account, region)
            await send(self._cloud, arn, TargetMessage(text=json.dumps(event)))
        else:
            check_ready(self._cloud, "sns")
            long_name = _region_name(region)
            subject = f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {long_name}'
            message = json.dumps(topic_message(alarm, before, account, long_name))
            params: Members = {"TopicArn": arn, "Message": message, "Subject": subject[:100]}
            await self._cloud.call("sns", "Publish", params)
        await self._record(alarm, f"Successfully executed action {arn}", arn, error=None)

    async def _failed(self, arn: str, change: Change, error: ServiceError) -> None:
        log.warning("The action %s of the alarm %s failed: %s", arn, change["alarm"]["AlarmName"], error)
        if arn == EVENT_LANE:
            return
        await self._record(change["alarm"], f"Failed to execute action {arn}", arn, error=str(error))

    async def _record(self, alarm: Members, summary: str, arn: str, *, error: str | None) -> None:
        data = {
            "actionState": "Failed" if error else "Succeeded",
            "notificationResource": arn,
            "stateUpdateTimestamp": round(alarm["StateUpdatedTimestamp"] * 1000),
            "error": error,
        }
        await self._cloud.store.write(
            lambda connection: add_history(connection, alarm, ("Action", summary, json.dumps(data)))
        )


def _changed(before: Members, state: str, reason: str, data: str | None) -> Members:
    now = time.time()
    transitioned = before["StateTransitionedTimestamp"] if before["StateValue"] == state else now
    return {
        **before,
        "StateValue": state,
        "StateReason": reason,
        "StateReasonData": data,
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": transitioned,
    }


def _history(before: Members, alarm: Members) -> tuple[str, str]:
    """Return the summary and the data of a change in the history."""
    data = {"version": "1.0", "oldState": _state(before), "newState": _state(alarm)}
    return f"Alarm updated from {before['StateValue']} to {alarm['StateValue']}", json.dumps(data)


def _state(alarm: Members) -> Members:
    state: Members = {"stateValue": alarm["StateValue"], "stateReason": alarm["StateReason"]}
    if alarm.get("StateReasonData"):
        state["stateReasonData"] = json.loads(alarm["StateReasonData"])
    return state


@cache
def _region_name(region: str) -> str:
    """Return the long name of a region: US East (N. Virginia). Loading the names takes some 20 ms, once."""
    known = {
        name: str(each["description"])
        for partition in Loader().load_data("endpoints")["partitions"]
        for name, each in partition["regions"].items()
    }
    return known.get(region, region)
