"""Operations on alarms."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from scones.cloud.context import CloudContext
from scones.cloud.core.pages import page
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.alarm_evaluation import OPERATORS
from scones.cloud.services.cloudwatch.alarm_events import announce_configuration
from scones.cloud.services.cloudwatch.alarm_records import AlarmRecords, alarm_type
from scones.cloud.services.cloudwatch.alarm_states import AlarmStates
from scones.cloud.services.cloudwatch.alarm_watch import AlarmWatch
from scones.cloud.services.cloudwatch.composite_rules import CompositeRule
from scones.cloud.services.cloudwatch.errors import (
    invalid_combination,
    invalid_token,
    invalid_value,
    missing_parameter,
    not_found,
    validation_error,
)
from scones.cloud.services.cloudwatch.periods import check_statistic
from scones.cloud.services.cloudwatch.samples import dimensions_of, to_seconds
from scones.cloud.wire.members import Members

_STATE = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
_TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
_UNSUPPORTED = (
    "ThresholdMetricId",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionConfiguration",
    "ActionsSuppressor",
    "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
)
"""Parameters of features that the local cloud does not have."""


class AlarmOperations:
    """Operations that create, describe, change and delete alarms."""

    def __init__(self, cloud: CloudContext, records: AlarmRecords, states: AlarmStates, watch: AlarmWatch) -> None:
        self._cloud = cloud
        self._records = records
        self._states = states
        self._watch = watch

    async def put_metric_alarm(self, call: OperationCall) -> Members:
        """Create or replace an alarm on a metric or on an expression; a replaced alarm keeps its state."""
        params = call.params
        _check_metric_alarm(params)
        alarm = self._alarm(params)
        if "Metrics" not in params:
            alarm |= {"Dimensions": params.get("Dimensions", []), "MetricId": uuid4()}
        await self._put(alarm, params)
        return {}

    async def put_composite_alarm(self, call: OperationCall) -> Members:
        """Create or replace an alarm on the states of other alarms, which must exist."""
        params = call.params
        _refuse_unsupported(params)
        missing = [name for name in CompositeRule(params["AlarmRule"]).alarms if self._records.find(name) is None]
        if missing:
            raise validation_error(
                f"Could not save the composite alarm as alarms [{', '.join(missing)}] in the alarm rule do not exist"
            )
        await self._put(self._alarm(params), params)
        await self._watch.evaluate_composites()
        return {}

    async def describe_alarms(self, call: OperationCall) -> Members:
        """List alarms by name; only metric alarms unless the request asks for others."""
        params = call.params
        types = params.get("AlarmTypes", ["MetricAlarm"])
        found = [alarm for alarm in self._records.all() if alarm_type(alarm) in types and _is_wanted(alarm, params)]
        size = params.get("MaxRecords", 50)
        shown, token = page(found, params.get("NextToken"), size, invalid_token())
        listed = {kind: [_described(each) for each in shown if alarm_type(each) == kind] for kind in _KINDS}
        return {
            "MetricAlarms": listed["MetricAlarm"],
            "CompositeAlarms": listed["CompositeAlarm"],
            "LogAlarms": [],
            "NextToken": token,
        }

    async def describe_alarms_for_metric(self, call: OperationCall) -> Members:
        """List the alarms on a metric with the given dimensions."""
        params = call.params
        wanted = dimensions_of(params)
        others = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Unit")
        found = [
            _described(alarm)
            for alarm in self._records.all()
            if "MetricName" in alarm
            and dimensions_of(alarm) == wanted
            and all(alarm.get(name) == params[name] for name in others if name in params)
        ]
        return {"MetricAlarms": found}

    async def describe_alarm_history(self, call: OperationCall) -> Members:
        """List the history of an alarm or of all alarms, the newest item first unless asked otherwise."""
        params = call.params
        names = [params["AlarmName"]] if "AlarmName" in params else [each["AlarmName"] for each in self._records.all()]
        types = params.get("AlarmTypes", _KINDS)
        begin = to_seconds(params.get("StartDate", 0))
        end = to_seconds(params.get("EndDate", time.time() + 1))
        rows = [
            row
            for name in names
            for row in self._records.history(name)
            if row["kind"] in types
            and params.get("HistoryItemType", row["type"]) == row["type"]
            and begin <= row["at"] <= end
        ]
        newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        rows.sort(key=lambda row: int(row["id"]), reverse=newest_first)
        shown, token = page(rows, params.get("NextToken"), params.get("MaxRecords", 100), invalid_token())
        items = [
            {
                "AlarmName": row["alarm"],
                "AlarmType": row["kind"],
                "Timestamp": row["at"],
                "HistoryItemType": row["type"],
                "HistorySummary": row["summary"],
                "HistoryData": row["data"],
            }
            for row in shown
        ]
        return {"AlarmHistoryItems": items, "NextToken": token}

    async def set_alarm_state(self, call: OperationCall) -> Members:
        """Set the state of an alarm until its next evaluation; the actions of the state are performed."""
        params = call.params
        name, data = params["AlarmName"], params.get("StateReasonData")
        if self._records.find(name) is None:
            raise not_found()
        if data is not None:
            _check_json(data)
        await self._states.change(name, params["StateValue"], params["StateReason"], data)
        await self._watch.evaluate_composites()
        return {}

    async def enable_alarm_actions(self, call: OperationCall) -> Members:
        """Perform the actions of alarms from now on; unknown alarms are left out."""
        return await self._enable(call.params["AlarmNames"], enabled=True)

    async def disable_alarm_actions(self, call: OperationCall) -> Members:
        """Stop to perform the actions of alarms; unknown alarms are left out."""
        return await self._enable(call.params["AlarmNames"], enabled=False)

    async def delete_alarms(self, call: OperationCall) -> Members:
        """Delete alarms with their history; raises `ServiceError` for one that a composite alarm needs."""
        names = call.params["AlarmNames"]
        for alarm in self._records.all():
            needed = set(CompositeRule(alarm["AlarmRule"]).alarms) if "AlarmRule" in alarm else set()
            if alarm["AlarmName"] not in names and (used := needed.intersection(names)):
                raise validation_error(
                    f"Cannot delete {sorted(used)[0]} as there are composite alarm(s) depending on it."
                )
        deleted = [each for name in dict.fromkeys(names) if (each := self._records.find(name))]
        await self._records.delete(names)
        for each in deleted:
            announce_configuration(self._cloud, "delete", each)
        return {}

    def _alarm(self, params: Members) -> Members:
        """Return the stored form of an alarm, with the state of the alarm that it replaces, or of a new one."""
        name, now = params["AlarmName"], time.time()
        before = self._records.find(name)
        if before is not None and ("AlarmRule" in before) is not ("AlarmRule" in params):
            raise validation_error(f"An alarm of another type has the name {name}.")  # AWS's words are not known
        state = (
            {member: before.get(member) for member in _STATE}
            if before
            else {
                "StateValue": "INSUFFICIENT_DATA",
                "StateReason": "Unchecked: Initial alarm creation",
                "StateUpdatedTimestamp": now,
                "StateTransitionedTimestamp": now,
            }
        )
        actions = {each: params.get(each, []) for each in ("OKActions", "AlarmActions", "InsufficientDataActions")}
        return {
            **{member: value for member, value in params.items() if member != "Tags"},
            **actions,
            **state,
            "ActionsEnabled": params.get("ActionsEnabled", True),
            "AlarmArn": self._cloud.arn("cloudwatch", f"alarm:{name}"),
            "AlarmConfigurationUpdatedTimestamp": now,
        }

    async def _put(self, alarm: Members, params: Members) -> None:
        before = self._records.find(alarm["AlarmName"])
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
        verb = "updated" if before else "created"
        data = {"version": "1.0", "type": "Update" if before else "Create"}
        item = ("ConfigurationUpdate", f'Alarm "{alarm["AlarmName"]}" {verb}', json.dumps(data))
        await self._records.put(alarm, tags, item)
        announce_configuration(self._cloud, "update" if before else "create", alarm, before)
        self._watch.wake()

    async def _enable(self, names: Iterable[str], *, enabled: bool) -> Members:
        for name in names:
            alarm = self._records.find(name)
            if alarm is not None and alarm["ActionsEnabled"] is not enabled:
                word = "enabled" if enabled else "disabled"
                item = ("ConfigurationUpdate", f"Actions of the alarm {word}", json.dumps({"version": "1.0"}))
                await self._records.put({**alarm, "ActionsEnabled": enabled}, None, item)
        return {}


_KINDS = ("MetricAlarm", "CompositeAlarm")


def _described(alarm: Members) -> Members:
    return {member: value for member, value in alarm.items() if member != "MetricId"}


def _is_wanted(alarm: Members, params: Members) -> bool:
    actions = [*alarm["OKActions"], *alarm["AlarmActions"], *alarm["InsufficientDataActions"]]
    action = params.get("ActionPrefix")
    return (
        alarm["AlarmName"] in params.get("AlarmNames", [alarm["AlarmName"]])
        and alarm["AlarmName"].startswith(params.get("AlarmNamePrefix", ""))
        and params.get("StateValue", alarm["StateValue"]) == alarm["StateValue"]
        and (action is None or any(arn.startswith(action) for arn in actions))
    )


def _check_metric_alarm(params: Members) -> None:
    """Raise `ServiceError` for an alarm that AWS rejects, or that needs a feature that the local cloud lacks."""
    _refuse_unsupported(params)
    if params.get("ComparisonOperator") not in OPERATORS:
        raise _unsupported(f"the comparison operator {params.get('ComparisonOperator')}")
    if "Threshold" not in params:
        raise missing_parameter("The parameter Threshold is required.")
    if "EvaluationPeriods" not in params:
        raise missing_parameter("The parameter EvaluationPeriods is required.")
    if params.get("DatapointsToAlarm", 1) > params["EvaluationPeriods"]:
        raise validation_error("The value of DatapointsToAlarm must not be greater than that of EvaluationPeriods.")
    if params.get("TreatMissingData", "missing") not in _TREATMENTS:
        raise validation_error(f"The value {params['TreatMissingData']} is not valid for parameter TreatMissingData.")
    if params.get("EvaluateLowSampleCountPercentile", "ignore") not in ("evaluate", "ignore"):
        raise validation_error(
            f"Option {params['EvaluateLowSampleCountPercentile']} is not supported. Supported options for parameter"
            " EvaluateLowSampleCountPercentile are evaluate and ignore."
        )
    if "Metrics" in params:
        _check_metrics(params)
    else:
        _check_metric(params)


def _check_metrics(params: Members) -> None:
    if "MetricName" in params or "Namespace" in params:
        raise invalid_combination("The parameters MetricName and Metrics are mutually exclusive.")
    for name in ("Statistic", "ExtendedStatistic", "Period", "Unit", "Dimensions"):
        if name in params:
            raise validation_error(f"{name} should not be set if list of Metrics is set.")
    returned = [query for query in params["Metrics"] if query.get("ReturnData", True)]
    if len(returned) != 1:
        raise validation_error("Exactly one element of the metrics list should return data.")


def _check_metric(params: Members) -> None:
    for name in ("Namespace", "MetricName", "Period"):
        if name not in params:
            raise missing_parameter(f"The parameter {name} is required.")
    if ("Statistic" in params) is ("ExtendedStatistic" in params):
        raise invalid_combination("Exactly one of Statistic and ExtendedStatistic must be specified.")
    if "ExtendedStatistic" in params:
        try:
            check_statistic(params["ExtendedStatistic"])
        except ServiceError:
            given = params["ExtendedStatistic"]
            message = f"The value {given} for parameter ExtendedStatistic is not supported."
            raise invalid_value(message) from None
    if params["Period"] not in (10, 20, 30) and params["Period"] % 60:
        raise validation_error("Period must be 10, 20, 30 or a multiple of 60")


def _refuse_unsupported(params: Members) -> None:
    for name in _UNSUPPORTED:
        if name in params:
            raise _unsupported(f"the parameter {name} of alarms")


def _unsupported(what: str) -> ServiceError:
    return ServiceError("NotImplemented", f"The local cloud does not support {what}; AWS does.", 501)


def _check_json(data: str) -> None:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        raise ServiceError("InvalidFormatFault", "StateReasonData must be valid JSON.") from None
