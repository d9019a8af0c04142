"""Operations on rules and their targets."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import is_arn, service_of
from scones.cloud.errors import ServiceError
from scones.cloud.patterns import PatternError, check_pattern, read_pattern, too_complex
from scones.cloud.service import OperationCall
from scones.cloud.services.events.delivery import SERVICES
from scones.cloud.services.events.errors import invalid, limit_exceeded
from scones.cloud.services.events.rule_records import DEFAULT_BUS, Rule, RuleRecords, page, tags_of
from scones.cloud.services.events.schedule import parse_schedule
from scones.cloud.services.events.scheduler import RuleScheduler
from scones.cloud.services.events.transform import is_path, unknown_placeholder
from scones.cloud.wire import json_document
from scones.cloud.wire.members import Members

_INPUT_MEMBERS = ("Input", "InputPath", "InputTransformer")
_TARGETS_OF_A_RULE = 5
_TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard "
    "character"
)


class RuleOperations:
    """Operations on rules and their targets."""

    def __init__(self, cloud: CloudContext, records: RuleRecords, scheduler: RuleScheduler) -> None:
        self._cloud = cloud
        self._records = records
        self._scheduler = scheduler

    async def put_rule(self, call: OperationCall) -> Members:
        """Create or replace a rule, and keep its targets."""
        params, bus = call.params, self._records.bus(call.params.get("EventBusName"))
        pattern, schedule = params.get("EventPattern"), params.get("ScheduleExpression")
        if not pattern and not schedule:
            raise invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        if schedule:
            _check_schedule(schedule, bus)
        if pattern:
            check_event_pattern(pattern)
        document: dict[str, str] = {key: params[key] for key in ("Description", "RoleArn") if key in params}
        state = params.get("State", "ENABLED")
        former = self._records.find_rule(params["Name"], bus)
        tags = former.tags if former else tags_of(params)  # AWS applies tags only to a new rule
        rule = Rule(bus, params["Name"], pattern, schedule, state, document, tags, time.time())
        await self._records.put_rule(rule)
        self._scheduler.changed(bus, rule.name)
        return {"RuleArn": self._records.rule_arn(rule)}

    async def describe_rule(self, call: OperationCall) -> Members:
        """Describe a rule."""
        rule = self._rule(call, call.params["Name"])
        return {**self._listed(rule), "CreatedBy": self._cloud.settings.account}

    async def list_rules(self, call: OperationCall) -> Members:
        """List the rules of a bus, sorted by name."""
        bus, prefix = self._records.bus(call.params.get("EventBusName")), call.params.get("NamePrefix", "")
        rules = [rule for rule in self._records.rules(bus) if rule.name.startswith(prefix)]
        found, token = page(rules, call.params.get("NextToken"), call.params.get("Limit"))
        return {"Rules": [self._listed(rule) for rule in found], "NextToken": token}

    def _listed(self, rule: Rule) -> dict[str, Any]:
        return {
            "Name": rule.name,
            "Arn": self._records.rule_arn(rule),
            "EventPattern": rule.pattern,
            "ScheduleExpression": rule.schedule,
            "State": rule.state,
            "EventBusName": rule.bus,
            **rule.document,
        }

    async def enable_rule(self, call: OperationCall) -> Members:
        """Enable a rule."""
        return await self._switch(call, "ENABLED")

    async def disable_rule(self, call: OperationCall) -> Members:
        """Disable a rule, so that it neither matches events nor fires on schedule."""
        return await self._switch(call, "DISABLED")

    async def _switch(self, call: OperationCall, state: str) -> Members:
        rule = self._rule(call, call.params["Name"])
        await self._records.put_rule(replace(rule, state=state, modified=time.time()))
        self._scheduler.changed(rule.bus, rule.name)
        return {}

    async def delete_rule(self, call: OperationCall) -> Members:
        """Delete a rule that has no targets; deleting a rule that does not exist succeeds."""
        bus, name = self._records.bus(call.params.get("EventBusName")), call.params["Name"]
        if self._records.target_ids(bus, name):
            raise invalid("Rule can't be deleted since it has targets.")
        await self._records.delete_rule(bus, name)
        self._scheduler.changed(bus, name)
        return {}

    async def put_targets(self, call: OperationCall) -> Members:
        """Add or replace targets of a rule."""
        rule, targets = self._rule(call, call.params["Rule"]), call.params["Targets"]
        for target in targets:
            _check_target(target)
            if target["Arn"] == self._records.bus_arn(rule.bus):
                raise invalid(f"Event bus {rule.bus} cannot be the target of its own rule {rule.name}.")
        ids = {target["Id"] for target in self._records.targets(rule.bus, rule.name)}
        if len(ids | {target["Id"] for target in targets}) > _TARGETS_OF_A_RULE:
            raise limit_exceeded()
        await self._records.put_targets(rule, targets)
        return {"FailedEntryCount": 0, "FailedEntries": []}

    async def remove_targets(self, call: OperationCall) -> Members:
        """Remove targets from a rule; targets that do not exist are returned as failed entries."""
        rule, ids = self._rule(call, call.params["Rule"]), call.params["Ids"]
        known = {target["Id"] for target in self._records.targets(rule.bus, rule.name)}
        await self._records.remove_targets(rule, ids)
        failures = [
            {
                "TargetId": each,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": f"Rule {rule.name} does not have a target with the Id {each}.",
            }
            for each in ids
            if each not in known
        ]
        return {"FailedEntryCount": len(failures), "FailedEntries": failures}

    async def list_targets_by_rule(self, call: OperationCall) -> Members:
        """List the targets of a rule."""
        rule = self._rule(call, call.params["Rule"])
        targets = self._records.targets(rule.bus, rule.name)
        found, token = page(targets, call.params.get("NextToken"), call.params.get("Limit"))
        return {"Targets": found, "NextToken": token}

    async def list_rule_names_by_target(self, call: OperationCall) -> Members:
        """List the names of a bus's rules that have a given target."""
        bus, arn = self._records.bus(call.params.get("EventBusName")), call.params["TargetArn"]
        names = [
            rule.name
            for rule in self._records.rules(bus)
            if any(target["Arn"] == arn for target in self._records.targets(bus, rule.name))
        ]
        found, token = page(names, call.params.get("NextToken"), call.params.get("Limit"))
        return {"RuleNames": found, "NextToken": token}

    async def test_event_pattern(self, call: OperationCall) -> Members:
        """Report whether a pattern matches an event."""
        check_event_pattern(call.params["EventPattern"])
        try:
            event = json_document.load_text(call.params["Event"])
        except ValueError as error:
            raise invalid("Parameter Event is not valid.") from error
        needed = ("id", "account", "source", "time", "region", "detail-type")
        if not isinstance(event, dict) or any(name not in event for name in needed):
            raise invalid("Parameter Event is not valid.")
        return {"Result": await read_pattern(call.params["EventPattern"]).matches(event)}

    def _rule(self, call: OperationCall, name: str) -> Rule:
        """Return a rule of the bus that the call names."""
        return self._records.rule(name, self._records.bus(call.params.get("EventBusName")))


def check_event_pattern(pattern: str) -> None:
    """Raise `InvalidEventPatternException` for an invalid pattern."""
    try:
        if too_complex(check_pattern(pattern)):
            raise PatternError(_TOO_COMPLEX)
    except PatternError as error:
        message = f"Event pattern is not valid. Reason: {error}{error.location}"
        raise ServiceError("InvalidEventPatternException", message) from error


def _check_schedule(text: str, bus: str) -> None:
    if bus != DEFAULT_BUS:
        raise invalid("ScheduleExpression is supported only on the default event bus.")
    try:
        parse_schedule(text)
    except ValueError as error:
        raise invalid("Parameter ScheduleExpression is not valid.") from error


def _check_target(target: Members) -> None:
    """Raise `ValidationException` for a target that EventBridge refuses or that the local cloud cannot reach."""
    arn, name = target["Arn"], target["Id"]
    service = service_of(arn)
    if not is_arn(arn):
        raise invalid(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    if service not in SERVICES:
        raise invalid(f"The local cloud can send events to {', '.join(SERVICES)}, but not to target {name}: {arn}.")
    if sum(each in target for each in _INPUT_MEMBERS) > 1:
        raise invalid(f"Only one of Input, InputPath, or InputTransformer must be provided for target {name}.")
    if service == "sqs" and arn.endswith(".fifo") and "SqsParameters" not in target:
        raise invalid(f"Parameter(s) SqsParameters must be specified for target: {name}.")
    if service == "states" and "RoleArn" not in target:
        raise invalid(f"RoleArn is required for target {arn}.")
    if "Input" in target:
        try:
            json_document.load_text(target["Input"])
        except ValueError as error:
            raise invalid(f"JSON syntax error in input for target {name} : {error}") from error
    paths = [target["InputPath"]] if "InputPath" in target else []
    paths += target.get("InputTransformer", {}).get("InputPathsMap", {}).values()
    if wrong := next((path for path in paths if not is_path(path)), None):
        raise invalid(f"InputPath for target {name} is invalid: {wrong}")
    if "InputTransformer" in target and (unknown := unknown_placeholder(target["InputTransformer"])):
        raise invalid(f"InputTemplate for target {name} contains invalid placeholder {unknown}.")
