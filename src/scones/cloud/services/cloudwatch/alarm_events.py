"""Events of alarms on EventBridge's default bus: CloudWatch User Guide, "Alarm events and EventBridge"."""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.delivery.targets import check_ready
from scones.cloud.services.cloudwatch.alarm_messages import alarm_configuration, alarm_state, iso_time
from scones.cloud.services.events.announcements import announce
from scones.cloud.services.events.service import EventBridge
from scones.cloud.wire.members import Members

SOURCE = "aws.cloudwatch"
_SETTINGS = {
    "evaluationPeriods": "EvaluationPeriods",
    "datapointsToAlarm": "DatapointsToAlarm",
    "threshold": "Threshold",
    "comparisonOperator": "ComparisonOperator",
    "treatMissingData": "TreatMissingData",
    "evaluateLowSampleCountPercentile": "EvaluateLowSampleCountPercentile",
    "alarmName": "AlarmName",
    "actionsEnabled": "ActionsEnabled",
    "okActions": "OKActions",
    "alarmActions": "AlarmActions",
    "insufficientDataActions": "InsufficientDataActions",
}


def may_match(cloud: CloudContext) -> bool:
    """Return True if a rule could match an event, and while EventBridge has not started yet."""
    return not cloud.has_service(EventBridge.name) or cloud.service(EventBridge).takes_service_events()


async def put_state_change(cloud: CloudContext, alarm: Members, before: Members) -> None:
    """Put the event of a change of state on the default bus."""
    check_ready(cloud, EventBridge.name)
    detail: Members = {
        "alarmName": alarm["AlarmName"],
        "state": alarm_state(alarm),
        "previousState": alarm_state(before),
        "configuration": alarm_configuration(alarm),
    }
    events = cloud.service(EventBridge)
    await events.put_service_event(SOURCE, "CloudWatch Alarm State Change", detail, [alarm["AlarmArn"]])


def announce_configuration(cloud: CloudContext, operation: str, alarm: Members, before: Members | None = None) -> None:
    """Announce that an alarm was created, updated or deleted; `operation` is create, update or delete."""
    state = {"value": alarm["StateValue"], "timestamp": iso_time(alarm["StateUpdatedTimestamp"])}
    detail: Members = {
        "alarmName": alarm["AlarmName"],
        "operation": operation,
        "state": state,
        "configuration": _settings(alarm),
    }
    if before is not None:
        detail["previousConfiguration"] = _settings(before)
    announce(cloud, SOURCE, "CloudWatch Alarm Configuration Change", alarm["AlarmArn"], detail)


def _settings(alarm: Members) -> Members:
    settings = {name: alarm[member] for name, member in _SETTINGS.items() if alarm.get(member) is not None}
    timestamp = iso_time(alarm["AlarmConfigurationUpdatedTimestamp"])
    return {**alarm_configuration(alarm), **settings, "timestamp": timestamp}
