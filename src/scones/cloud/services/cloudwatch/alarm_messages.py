"""Messages of alarms for topics and functions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from scones.cloud.wire.members import Members

_TRIGGER = (
    "MetricName",
    "Namespace",
    "Unit",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "ComparisonOperator",
    "Threshold",
    "TreatMissingData",
)

_STATISTICS = {
    "SampleCount": "SAMPLE_COUNT",
    "Average": "AVERAGE",
    "Sum": "SUM",
    "Minimum": "MINIMUM",
    "Maximum": "MAXIMUM",
}


def iso_time(seconds: float) -> str:
    """Return a time as messages of alarms have it: `2026-01-31T09:30:00.000+0000`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def topic_message(alarm: Members, before: Members, account: str, region: str) -> Members:
    """Return the message for a topic; `region` is the region's long name."""
    message: Members = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": iso_time(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": iso_time(alarm["StateTransitionedTimestamp"]),
        "Region": region,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": before["StateValue"],
        "ActionExecutedAfterMuteWindow": False,
        **{name: alarm[name] for name in ("OKActions", "AlarmActions", "InsufficientDataActions")},
    }
    if "AlarmRule" in alarm:
        return {**message, "AlarmRule": alarm["AlarmRule"]} | _triggering(alarm)
    return {**message, "Trigger": _trigger(alarm)}


def _triggering(alarm: Members) -> Members:
    data = json.loads(alarm.get("StateReasonData") or "{}")
    children = [
        {"Arn": child["arn"], "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]}}
        for child in data.get("triggeringAlarms", [])
    ]
    return {"TriggeringChildren": children}


def _trigger(alarm: Members) -> Members:
    trigger: Members = {name: alarm[name] for name in _TRIGGER if name in alarm}
    if "Metrics" in alarm:
        return {**trigger, "Metrics": alarm["Metrics"]}
    trigger.setdefault("Unit", None)
    if "Statistic" in alarm:
        trigger |= {"StatisticType": "Statistic", "Statistic": _STATISTICS[alarm["Statistic"]]}
    else:
        trigger |= {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": alarm["ExtendedStatistic"]}
    dimensions = [{"value": each["Value"], "name": each["Name"]} for each in alarm["Dimensions"]]
    low = alarm.get("EvaluateLowSampleCountPercentile", "")
    return {**trigger, "Dimensions": dimensions, "EvaluateLowSampleCountPercentile": low}


def function_event(alarm: Members, before: Members, account: str, region: str) -> Members:
    """Return the event for a function: CloudWatch User Guide, "Invoke a Lambda function from an alarm"."""
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": account,
        "time": iso_time(alarm["StateUpdatedTimestamp"]),
        "region": region,
        "alarmData": {
            "alarmName": alarm["AlarmName"],
            "state": alarm_state(alarm),
            "previousState": alarm_state(before),
            "configuration": alarm_configuration(alarm),
        },
    }


def alarm_state(alarm: Members) -> Members:
    """Return an alarm's state as events describe it."""
    state: Members = {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": iso_time(alarm["StateUpdatedTimestamp"]),
    }
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    return state


def alarm_configuration(alarm: Members) -> Members:
    """Return an alarm's configuration as events describe it."""
    described: Members = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return {"alarmRule": alarm["AlarmRule"], **described}
    metrics = [_metric_query(each) for each in alarm["Metrics"]] if "Metrics" in alarm else [_single_metric(alarm)]
    return {**described, "metrics": metrics}


def _single_metric(alarm: Members) -> Members:
    stat: Members = {
        "metric": _metric(alarm),
        "period": alarm["Period"],
        "stat": alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
    }
    if "Unit" in alarm:
        stat["unit"] = alarm["Unit"]
    return {"id": alarm["MetricId"], "metricStat": stat, "returnData": True}


def _metric(given: Members) -> Members:
    dimensions = {each["Name"]: each["Value"] for each in given.get("Dimensions", [])}
    return {"namespace": given.get("Namespace"), "name": given.get("MetricName"), "dimensions": dimensions}


def _metric_query(query: Members) -> Members:
    described: Members = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        return {**described, "expression": query["Expression"], "label": query.get("Label", query["Id"])}
    stat = query["MetricStat"]
    return {
        **described,
        "metricStat": {"metric": _metric(stat["Metric"]), "period": stat["Period"], "stat": stat["Stat"]},
    }
