"""Validation of a definition, with AWS's diagnostics.

Codes, messages and locations are as recorded on AWS, or as measured on AWS by third parties (floci-io/floci, issues
2670, 2735, 2745 and 2968; aws-cloudformation/cfn-lint, issues 4074, 4076 and 4078; the rules of Step Functions in
badmintoncryer/cdk-preflight). For other malformed values AWS's wording is not known; our messages follow the same
style.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from scones.cloud.core import jackson
from scones.cloud.core.arns import Arn, is_arn
from scones.cloud.services.stepfunctions.asl import engines
from scones.cloud.services.stepfunctions.asl.fields import EXCLUSIVE, GROUPS, LANGUAGES, REQUIRED, TYPES, unsupported
from scones.cloud.services.stepfunctions.asl.queries import query_text
from scones.cloud.services.stepfunctions.asl.resources import integration_name
from scones.cloud.services.stepfunctions.asl.text import too_deep
from scones.cloud.services.stepfunctions.asl.timestamps import parse_timestamp
from scones.cloud.services.stepfunctions.validation.choices import rule_faults
from scones.cloud.services.stepfunctions.validation.diagnostics import SCHEMA, Diagnostic, unreadable
from scones.cloud.services.stepfunctions.validation.maps import express_children, map_faults
from scones.cloud.services.stepfunctions.validation.policies import policy_faults
from scones.cloud.services.stepfunctions.validation.state_graph import transition_faults
from scones.cloud.services.stepfunctions.validation.values import (
    Fault,
    bounded,
    expected,
    one_of,
    path_fault,
    reference_fault,
    template_faults,
    typed,
)

_TYPES = "Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map"
"""The state types, in AWS's order."""
_MAX_NAME = 80
_MAX_SECONDS = 99_999_999
"""Maximum of a time-out, a heartbeat or a Wait, in seconds."""
_TEXTS = ("Comment", "Next", "Default", "Resource", "StartAt")
_VARIABLE = re.compile(r"[^\W\d]\w{0,79}")
TOO_DEEP = Diagnostic("TOO_DEEPLY_NESTED", "The states are too deeply nested.")


def diagnose(definition: str, machine_type: str) -> list[Diagnostic]:
    """Return all errors in a definition; the list is empty if AWS would accept the definition.

    Raises `EngineNeededError` in the cloud's own process if an expression has to be compiled.
    """
    if not definition.strip():
        return [Diagnostic(SCHEMA, "Definition must be a valid JSON object")]
    try:
        document = json.loads(definition, parse_constant=jackson.refuse_constant)
    except json.JSONDecodeError as error:
        return [unreadable(definition, error)]
    except RecursionError:
        return [TOO_DEEP]
    except ValueError as error:  # a number with thousands of digits
        return [Diagnostic(SCHEMA, str(error))]
    if too_deep(definition):
        return [TOO_DEEP]
    if not isinstance(document, dict):
        return [Diagnostic(SCHEMA, "Definition must be a valid JSON object")]
    checker = _DefinitionChecker(machine_type)
    checker.machine(document)
    return checker.found


def language_of(holder: dict[str, Any], inherited: str) -> str:
    """Return the query language of a machine or state; any QueryLanguage other than JSONPath counts as JSONata."""
    return LANGUAGES[holder["QueryLanguage"] != LANGUAGES[0]] if "QueryLanguage" in holder else inherited


class _DefinitionChecker:
    def __init__(self, machine_type: str) -> None:
        self.found: list[Diagnostic] = []
        self._express = machine_type == "EXPRESS"
        self._names: set[str] = set()
        self._labels: set[str] = set()

    def add(self, message: str, location: str, code: str = SCHEMA) -> None:
        self.found.append(Diagnostic(code, message, location))

    def add_all(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.add(*fault)

    def machine(self, document: dict[str, Any]) -> None:
        self.add_all(bounded(document, "TimeoutSeconds", "", int, 1, _MAX_SECONDS))
        self.add_all(one_of(document, "Version", ("1.0",), ""))
        self.add_all(one_of(document, "QueryLanguage", LANGUAGES, ""))
        self.group(document, "", language_of(document, LANGUAGES[0]), GROUPS[""])

    def group(self, document: dict[str, Any], location: str, language: str, allowed: frozenset[str]) -> None:
        """Check the states of a machine, a branch or a processor."""
        for field in document:
            if field not in allowed:
                self.add(f"Field '{field}' is not supported", location or "/")
        missing = [name for name in ("States", "StartAt") if name not in document]
        if missing:
            self.add(f"These fields are required: [{', '.join(missing)}]", location or "/")
            return
        states = document["States"]
        if not isinstance(states, dict):
            self.add(expected(dict), f"{location}/States")
            return
        if not states:
            self.add("Value cannot be empty", f"{location}/States")
            return
        before = len(self.found)
        self.add_all(typed(document, ("Comment", "StartAt"), location, str))
        for name, state in states.items():
            self.state(name, state, f"{location}/States/{name}", language)
        if len(self.found) == before:
            self.found += transition_faults(document["StartAt"], states, location)

    def state(self, name: str, state: Any, at: str, machine_language: str) -> None:
        self.name(name, at)
        if not isinstance(state, dict):
            self.add(expected(dict), at)
            return
        if "Type" not in state:
            self.add("These fields are required: [Type]", at)
            return
        kind = state["Type"]
        if not isinstance(kind, str) or kind not in TYPES:
            self.add(f"The field 'Type' should have one of these values: [{_TYPES}]", f"{at}/Type")
            return
        language = language_of(state, machine_language)
        if language == "JSONPath" and machine_language == "JSONata":
            self.add("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", at)
            return
        self.add_all(one_of(state, "QueryLanguage", LANGUAGES, at))
        for field in state:
            if message := unsupported(kind, language, field):
                self.add(message, at)
        self.required(kind, state, at)
        if kind == "Task":
            self.task(state, at)
        elif kind == "Map":
            self.map(state, at, language)
        elif kind == "Fail":
            self.add_all(typed(state, ("Error", "Cause"), at, str))
        elif kind == "Choice":
            self.add_all(rule_faults(state, at, language))
        self.add_all(policy_faults(state, at, language))
        self.groups(state, at, machine_language)
        self.wait_fields(state, at, language)
        self.add_all(_assign_faults(state, at))
        if language == "JSONPath":
            self.jsonpath(state, at)
        else:
            self.jsonata(state, at)

    def name(self, name: str, at: str) -> None:
        if name in self._names:
            self.add(f"Duplicate State name: {name}", at, "DUPLICATE_STATE_NAME")
        self._names.add(name)
        if not 0 < len(name) <= _MAX_NAME:
            limit = f"exceeds the {_MAX_NAME}-character limit allowed by the service" if name else "is empty"
            self.add(f"Invalid State name: {name} {limit}", at, "INVALID_STATE_NAME")

    def groups(self, state: dict[str, Any], at: str, language: str) -> None:
        """Check the branches or the processor of a state; they inherit the machine's query language."""
        outer, self._express = self._express, self._express or express_children(state)
        for field in ("ItemProcessor", "Iterator"):
            if isinstance(state.get(field), dict):
                self.group(state[field], f"{at}/{field}", language, GROUPS["ItemProcessor"])
            elif field in state:
                self.add(expected(dict), f"{at}/{field}")
        branches = state.get("Branches", [])
        for index, branch in enumerate(branches if isinstance(branches, list) else []):
            if isinstance(branch, dict):
                self.group(branch, f"{at}/Branches[{index}]", language, GROUPS["Branches"])
        self._express = outer

    def required(self, kind: str, state: dict[str, Any], at: str) -> None:
        for group in REQUIRED.get(kind, ()):
            if not any(field in state for field in group):
                only_one = f"This object should have only one of the following fields: [{', '.join(group)}]"
                self.add(only_one if len(group) > 1 else f"These fields are required: [{group[0]}]", at)
        for group in EXCLUSIVE:
            given = [field for field in group if field in state and (field, state[field]) != ("End", False)]
            if len(given) > 1:
                self.add(f"There should only be one of the following fields: [{', '.join(group)}]", at)
        self.add_all(typed(state, _TEXTS, at, str))
        self.add_all(typed(state, ("End",), at, bool))
        self.add_all(typed(state, ("Branches", "Choices", "Retry", "Catch"), at, list))
        for field in ("Branches", "Choices"):
            if state.get(field) == []:
                self.add("Value cannot be empty", f"{at}/{field}")
        for field in ("Branches", "Choices", "Retry", "Catch"):
            entries = state.get(field)
            for index, entry in enumerate(entries if isinstance(entries, list) else []):
                if not isinstance(entry, dict):
                    self.add(expected(dict), f"{at}/{field}[{index}]")
        if kind not in ("Choice", "Succeed", "Fail") and "Next" not in state and state.get("End") is not True:
            self.add("This object should have only one of the following fields: [Next, End]", at)

    def task(self, state: dict[str, Any], at: str) -> None:
        resource, credentials = state.get("Resource"), state.get("Credentials")
        if credentials is not None and isinstance(resource, str) and _is_activity(resource):
            self.add("The field 'Credentials' is not supported for activities", at)
        elif isinstance(credentials, dict) and not {"RoleArn", "RoleArn.$"} & set(credentials):
            self.add("The field 'RoleArn' is required but was missing", f"{at}/Credentials")
        elif query_text(credentials) is None:
            self.add_all(typed(state, ("Credentials",), at, dict))
        for field in ("TimeoutSeconds", "HeartbeatSeconds"):
            if query_text(state.get(field)) is None:
                self.add_all(bounded(state, field, at, int, 1, _MAX_SECONDS))
        if not isinstance(resource, str):
            return
        where = f"{at}/Resource"
        name = integration_name(resource) or ""
        if self._express and name.endswith(".waitForTaskToken"):
            # The trailing space is AWS's.
            self.add("Express state machine does not support '.waitForTaskToken' service integration ", where)
        elif self._express and re.search(r"\.sync(:2)?$", name):
            self.add("Express state machine does not support '.sync' service integration", where)
        elif self._express and _is_activity(resource):
            self.add("Express state machine does not support Activity ARN", where)
        if not resource.startswith("arn:"):
            self.add("Value is not a valid resource ARN", where)

    def map(self, state: dict[str, Any], at: str, language: str) -> None:
        self.add_all(map_faults(state, at, language, self._express))
        label = state.get("Label")
        if isinstance(label, str) and label in self._labels:
            self.add(f"Duplicate Label name: {label}", f"{at}/Label", "DUPLICATE_LABEL_NAME")
        self._labels.add(str(label))

    def wait_fields(self, state: dict[str, Any], at: str, language: str) -> None:
        """Check the Seconds and the Timestamp of a Wait."""
        for field in ("Seconds", "Timestamp"):
            if field not in state or (language == "JSONata" and query_text(state[field]) is not None):
                continue
            if field == "Seconds":
                self.add_all(bounded(state, field, at, int, 0, _MAX_SECONDS))
            elif not isinstance(state[field], str):
                self.add(expected(str), f"{at}/{field}")
            elif parse_timestamp(state[field]) is None:
                self.add("String does not match RFC3339 timestamp", f"{at}/{field}")

    def jsonpath(self, state: dict[str, Any], at: str) -> None:
        """Check the paths and templates of a JSONPath state."""
        for field in ("InputPath", "OutputPath", "ErrorPath", "CausePath"):
            if state.get(field) is not None and (
                message := path_fault(state[field], calls=field in ("ErrorPath", "CausePath"))
            ):
                self.add(message, f"{at}/{field}")
        for field in ("ItemsPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath"):
            if field in state and (message := reference_fault(state[field], context=True)):
                self.add(message, f"{at}/{field}")
        if state.get("ResultPath") is not None and (message := reference_fault(state["ResultPath"], variables=False)):
            self.add(message, f"{at}/ResultPath")
        for field in ("Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials"):
            if field in state:
                self.add_all(template_faults(state[field], f"{at}/{field}"))
        for holder, field in (
            ("ItemReader", "Parameters"),
            ("ItemBatcher", "BatchInput"),
            ("ResultWriter", "Parameters"),
        ):
            if isinstance(state.get(holder), dict) and field in state[holder]:
                self.add_all(template_faults(state[holder][field], f"{at}/{holder}/{field}"))

    def jsonata(self, state: dict[str, Any], at: str) -> None:
        """Check the expressions of a JSONata state, except those of the states below it."""
        for field, value in state.items():
            if field not in ("ItemProcessor", "Branches", "Comment"):
                self.queries(value, f"{at}/{field}", caught=field == "Catch")

    def queries(self, value: Any, at: str, *, caught: bool) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                self.queries(item, f"{at}/{name}", caught=caught)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.queries(item, f"{at}[{index}]", caught=caught)
        elif (text := query_text(value)) is not None:
            engines.jsonata()
            from scones.cloud.services.stepfunctions.asl import jsonata_trees

            try:
                for message in jsonata_trees.unsupported_references(text, caught=caught):
                    self.add(message, at, "UNSUPPORTED_JSONATA_EXPRESSION")
            except ValueError as error:
                self.add(str(error), at, "INVALID_JSONATA_EXPRESSION")
        elif isinstance(value, str) and value.startswith("{%"):
            self.add("JSONata string must start with {% and end with %}", at)


def _is_activity(resource: str) -> bool:
    return is_arn(resource) and Arn.parse(resource).resource_type == "activity"


def _assign_faults(holder: dict[str, Any], at: str) -> Iterator[Fault]:
    """Yield faults for invalid variable names (Developer Guide, "Passing data between states with variables")."""
    assigned = holder.get("Assign", {})
    if not isinstance(assigned, dict):
        yield expected(dict), f"{at}/Assign"
        return
    for name in assigned:
        variable = name.removesuffix(".$")
        if variable == "states":
            yield "Cannot assign to reserved variable '$states'.", f"{at}/Assign", "RESERVED_VARIABLE_NAME"
        elif not _VARIABLE.fullmatch(variable):
            fault = f"Invalid variable name '{variable}': the variable name contains invalid characters."
            yield fault, f"{at}/Assign", "INVALID_VARIABLE_NAME"
