"""Delivery of events to targets: functions, queues, topics, state machines, log groups and other buses."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, service_of
from scones.cloud.core.clock import now_ms
from scones.cloud.core.surrogates import well_formed
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.delivery.targets import TargetMessage, send, send_to_queue, start_execution, text_attributes
from scones.cloud.errors import ServiceError
from scones.cloud.services.events.rule_records import RuleRecords
from scones.cloud.services.events.transform import target_input

log = logging.getLogger(__name__)

Forward = Callable[[str, list[dict[str, Any]]], Awaitable[None]]
"""Sends events to a bus."""

SERVICES = ("lambda", "sqs", "sns", "states", "logs", "events")
"""Services that a target may belong to, as its ARN names them."""
_LANE_SEPARATOR = "\n"


def lane(bus: str, rule: str, target_id: str) -> str:
    """Return the outbox lane of a target."""
    return _LANE_SEPARATOR.join((bus, rule, target_id))


class EventDelivery:
    """Makes the outbox's deliveries, each of one event to one target."""

    def __init__(self, cloud: CloudContext, records: RuleRecords, forward: Forward) -> None:
        self._cloud = cloud
        self._records = records
        self._forward = forward

    async def deliver(self, lane: str, event: dict[str, Any]) -> None:
        """Deliver an event to a target; do nothing if the target has been removed."""
        bus, name, target_id = lane.split(_LANE_SEPARATOR)
        target = self._records.target(bus, name, target_id)
        if target is None:
            return
        rule = self._records.rule(name, bus)
        async with TimeSlices():
            text = target_input(target, event, self._records.rule_arn(rule), name)
        arn = target["Arn"]
        match service_of(arn):
            case "states":
                name = f"{event['id']}_{_unique(lane, event)}"
                await start_execution(self._cloud, arn, text, name)
            case "logs":
                await self._log(Arn.parse(arn).resource_name, text, _unique(lane, event))
            case "events":
                await self._forward(self._records.bus(arn), [event])
            case _:
                group = target.get("SqsParameters", {}).get("MessageGroupId")
                await send(self._cloud, arn, TargetMessage(text=text, group=group))

    async def failed(self, lane: str, event: dict[str, Any], error: ServiceError) -> None:
        """Send an undeliverable event to the target's dead-letter queue, if it has one."""
        bus, name, target_id = lane.split(_LANE_SEPARATOR)
        target = self._records.target(bus, name, target_id)
        if target is None:
            return
        dead_letter_arn = target.get("DeadLetterConfig", {}).get("Arn")
        log.warning("Event %s could not be delivered to %s (rule %s): %s", event["id"], target["Arn"], name, error)
        if dead_letter_arn is None:
            return
        values = {
            "RULE_ARN": self._records.rule_arn(self._records.rule(name, bus)),
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": error.message,
        }
        text = well_formed(json.dumps(event, ensure_ascii=False))
        message = TargetMessage(text=text, attributes=text_attributes(values))
        try:
            await send_to_queue(self._cloud, dead_letter_arn, message)
        except ServiceError as second:
            log.warning("The dead-letter queue %s rejected event %s: %s", dead_letter_arn, event["id"], second)

    async def _log(self, group: str, text: str, stream: str) -> None:
        try:
            await self._cloud.call("logs", "CreateLogStream", {"logGroupName": group, "logStreamName": stream})
        except ServiceError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
        line = {"timestamp": now_ms(), "message": text}
        await self._cloud.call(
            "logs", "PutLogEvents", {"logGroupName": group, "logStreamName": stream, "logEvents": [line]}
        )


def _unique(lane: str, event: dict[str, Any]) -> str:
    """Return an id of the target, and of the replay that an event is part of."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, lane + event.get("replay-name", "")))
