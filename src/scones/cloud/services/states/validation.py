"""What AWS finds wrong with a definition, as diagnostics in its own words.

The codes, messages and locations are those recorded on AWS where a recording exists; for a handful of malformed
values (a Retry that is no list, a path that is none) AWS's wording is not known to us, and ours says what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scones.cloud.services import jackson
from scones.cloud.services.states.choice import OPERATORS
from scones.cloud.services.states.fields import REQUIRED, TYPES, allowed
from scones.cloud.services.states.intrinsics import compile_expression
from scones.cloud.services.states.map_validation import express_children, map_faults
from scones.cloud.services.states.paths import compile_path
from scones.cloud.services.states.queries import check_query, query_text
from scones.cloud.services.states.resources import integration_name
from scones.cloud.services.states.timestamps import parse_timestamp

SCHEMA = "SCHEMA_VALIDATION_FAILED"
_TYPES = "Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map"
"""The state types, in AWS's order."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding; `location` is a path into the definition such as `/States/Wait/Timestamp`."""

    code: str
    message: str
    location: str | None = None

    def __str__(self) -> str:
        where = "" if self.location is None else f" at {self.location}"
        return f"{self.code}: {self.message}{where}"


def diagnose(definition: str, machine_type: str) -> list[Diagnostic]:
    """Return every error in a definition; an empty list means that AWS would accept it."""
    if not definition.strip():
        return [Diagnostic(SCHEMA, "Definition must be a valid JSON object")]
    try:
        document = json.loads(definition)
    except json.JSONDecodeError as error:
        return [_unreadable(definition, error)]
    if not isinstance(document, dict):
        return [Diagnostic(SCHEMA, "Definition must be a valid JSON object")]
    checker = _Checker(machine_type)
    checker.group(document, "", document.get("QueryLanguage", "JSONPath"))
    return checker.found


def _unreadable(definition: str, error: json.JSONDecodeError) -> Diagnostic:
    found = jackson.fault(definition, error)
    source = f'[Source: (String)"{definition}"; line: {found.line}, column: {found.column}]'
    return Diagnostic("INVALID_JSON_DESCRIPTION", f"{found.message}\n at {source}", source)


class _Checker:
    def __init__(self, machine_type: str) -> None:
        self.found: list[Diagnostic] = []
        self._express = machine_type == "EXPRESS"
        self._names: set[str] = set()

    def add(self, message: str, location: str, code: str = SCHEMA) -> None:
        self.found.append(Diagnostic(code, message, location))

    def group(self, document: dict[str, Any], location: str, language: str) -> None:
        """Check a machine, a branch or a processor."""
        missing = [name for name in ("States", "StartAt") if name not in document]
        if missing:
            self.add(f"These fields are required: [{', '.join(missing)}]", location or "/")
            return
        states = document["States"]
        if not isinstance(states, dict) or not states:
            self.add("Expected a non-empty object", f"{location}/States")
            return
        before = len(self.found)
        for name, state in states.items():
            self.state(name, state, f"{location}/States/{name}", language)
        if len(self.found) == before:
            self.transitions(document["StartAt"], states, location)

    def state(self, name: str, state: Any, at: str, machine_language: str) -> None:
        if name in self._names:
            self.add(f"Duplicate State name: {name}", at, "DUPLICATE_STATE_NAME")
        self._names.add(name)
        if not isinstance(state, dict):
            self.add("Expected a JSON object", at)
            return
        if "Type" not in state:
            self.add("These fields are required: [Type]", at)
            return
        kind = state["Type"]
        if kind not in TYPES:
            self.add(f"The field 'Type' should have one of these values: [{_TYPES}]", f"{at}/Type")
            return
        language = state.get("QueryLanguage", machine_language)
        if language == "JSONPath" and machine_language == "JSONata":
            self.add("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", at)
            return
        for field in state:
            if field not in allowed(kind, language):
                self.add(f"Field '{field}' is not supported", at)
        self.required(kind, state, at)
        if kind == "Task":
            self.task(state, at)
        elif kind == "Map":
            for message, where in map_faults(state, at, language, self._express):
                self.add(message, where)
        outer, self._express = self._express, self._express or express_children(state)
        for group, where in _groups(state, at):
            self.group(group, where, machine_language)
        self._express = outer
        self.timestamp(state, at, language)
        if language == "JSONPath":
            self.jsonpath(state, at)
        else:
            self.jsonata(state, at)

    def required(self, kind: str, state: dict[str, Any], at: str) -> None:
        for group in REQUIRED.get(kind, ()):
            given = [field for field in group if field in state]
            if not given:
                self.add(f"These fields are required: [{group[0]}]", at)
        for field, shape in (("Retry", list), ("Catch", list), ("Branches", list), ("Choices", list)):
            if field in state and not isinstance(state[field], shape):
                self.add(f"Expected a list for '{field}'", f"{at}/{field}")
        if state.get("Branches") == []:
            self.add("Value cannot be empty", f"{at}/Branches")
        if kind not in ("Choice", "Succeed", "Fail") and ("Next" in state) == (state.get("End") is True):
            self.add("Exactly one of the fields 'Next' and 'End' is required", at)
        for field in ("Retry", "Catch"):
            for index, entry in enumerate(_list(state, field)):
                where = f"{at}/{field}[{index}]"
                needed = ("ErrorEquals",) if field == "Retry" else ("ErrorEquals", "Next")
                missing = [name for name in needed if name not in entry]
                if missing:
                    self.add(f"These fields are required: [{', '.join(missing)}]", where)

    def task(self, state: dict[str, Any], at: str) -> None:
        resource = state.get("Resource")
        if not isinstance(resource, str):
            return
        credentials = state.get("Credentials")
        if isinstance(credentials, dict) and not {"RoleArn", "RoleArn.$"} & set(credentials):
            self.add("The field 'RoleArn' is required but was missing", f"{at}/Credentials")
        name = integration_name(resource) or ""
        if self._express and name.endswith(".waitForTaskToken"):
            # The blank at the end is AWS's.
            self.add(
                "Express state machine does not support '.waitForTaskToken' service integration ", f"{at}/Resource"
            )
        elif self._express and re.search(r"\.sync(:2)?$", name):
            self.add("Express state machine does not support '.sync' service integration", f"{at}/Resource")
        elif self._express and resource.split(":")[5:6] == ["activity"]:
            # Refused on AWS too (Developer Guide, "Choosing workflow type"); the words are not recorded.
            self.add("Express state machine does not support activities", f"{at}/Resource")
        if not resource.startswith("arn:"):
            self.add("Value is not a valid resource ARN", f"{at}/Resource")

    def timestamp(self, state: dict[str, Any], at: str, language: str) -> None:
        given = state.get("Timestamp")
        computed = language == "JSONata" and str(given).startswith("{%")
        if isinstance(given, str) and not computed and parse_timestamp(given) is None:
            self.add("String does not match RFC3339 timestamp", f"{at}/Timestamp")

    def jsonpath(self, state: dict[str, Any], at: str) -> None:
        """Check the paths and templates of a JSONPath state."""
        for field in ("InputPath", "OutputPath", "ItemsPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath",
                      "HeartbeatSecondsPath", "MaxConcurrencyPath"):  # fmt: skip
            if state.get(field) is not None:
                self.compiles(compile_path, state[field], f"{at}/{field}", "Value is not a valid JSONPath")
        for field in ("ErrorPath", "CausePath"):
            if field in state:
                message = "Value is not a valid JSONPath or intrinsic function call"
                self.compiles(compile_expression, state[field], f"{at}/{field}", message)
        for field in ("Parameters", "ResultSelector", "ItemSelector", "Assign"):
            if field in state:
                self.template(state[field], f"{at}/{field}")
        for holder, field in (
            ("ItemReader", "Parameters"),
            ("ItemBatcher", "BatchInput"),
            ("ResultWriter", "Parameters"),
        ):
            if isinstance(state.get(holder), dict) and field in state[holder]:
                self.template(state[holder][field], f"{at}/{holder}/{field}")
        self.result_path(state, at)
        for index, catcher in enumerate(_list(state, "Catch")):
            self.result_path(catcher, f"{at}/Catch[{index}]")
        for index, rule in enumerate(_list(state, "Choices")):
            where = f"{at}/Choices[{index}]"
            if "Next" not in rule:
                self.add("These fields are required: [Next]", where)
            self.rule(rule, where)

    def jsonata(self, state: dict[str, Any], at: str) -> None:
        """Check the expressions of a JSONata state, but not those of the states below it."""
        for field, value in state.items():
            if field not in ("ItemProcessor", "Branches"):
                self.queries(value, f"{at}/{field}")
        for index, rule in enumerate(_list(state, "Choices")):
            missing = [name for name in ("Condition", "Next") if name not in rule]
            if missing:
                self.add(f"These fields are required: [{', '.join(missing)}]", f"{at}/Choices[{index}]")

    def queries(self, value: Any, at: str) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                self.queries(item, f"{at}/{name}")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.queries(item, f"{at}[{index}]")
        elif (text := query_text(value)) is not None:
            self.compiles(check_query, text, at, "Value is not a valid JSONata expression")

    def compiles(self, compiler: Callable[[str], Any], text: Any, at: str, message: str) -> None:
        try:
            if not isinstance(text, str):
                raise ValueError
            compiler(text)
        except ValueError:
            self.add(message, at)

    def result_path(self, holder: dict[str, Any], at: str) -> None:
        text = holder.get("ResultPath")
        if text is None:
            return
        message = "Value is not a Reference Path"
        self.compiles(_compile_reference, text, f"{at}/ResultPath", message)

    def template(self, payload: Any, at: str) -> None:
        if isinstance(payload, dict):
            for name, value in payload.items():
                if name.endswith(".$"):
                    message = (
                        f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"
                    )
                    self.compiles(compile_expression, value, at, message)
                else:
                    self.template(value, f"{at}/{name}")
        elif isinstance(payload, list):
            for index, item in enumerate(payload):
                self.template(item, f"{at}[{index}]")

    def rule(self, rule: dict[str, Any], at: str) -> None:
        for kind in ("And", "Or", "Not"):
            if kind in rule:
                inner = rule[kind] if isinstance(rule[kind], list) else [rule[kind]]
                for index, each in enumerate(inner):
                    self.rule(each, f"{at}/{kind}" + (f"[{index}]" if isinstance(rule[kind], list) else ""))
                return
        operators = [name for name in rule if name in OPERATORS]
        if "Variable" not in rule:
            self.add("These fields are required: [Variable]", at)
        elif len(operators) != 1:
            self.add("Exactly one comparison operator is required", at)
        else:
            self.compiles(compile_path, rule["Variable"], f"{at}/Variable", "Value is not a valid JSONPath")
            operand, name = rule[operators[0]], operators[0]
            if name.endswith("Path"):
                self.compiles(compile_path, operand, f"{at}/{name}", "Value is not a valid JSONPath")
            elif name.startswith("Timestamp") and (not isinstance(operand, str) or parse_timestamp(operand) is None):
                self.add("String does not match RFC3339 timestamp", f"{at}/{name}")

    def transitions(self, start: Any, states: dict[str, Any], location: str) -> None:
        """Check that every target is there, every state is reached, and one of them ends the group."""
        code = "MISSING_TRANSITION_TARGET"
        if start not in states:
            self.add(f"Missing 'StartAt' target: {start}", f"{location}/StartAt", code)
        reached: set[str] = set()
        ahead = [start] if start in states else []
        for name, state in states.items():
            for target, where in _targets(state, f"{location}/States/{name}"):
                if target not in states:
                    self.add(f"Missing 'Next' target: {target}", where, code)
        if not any(state["Type"] in ("Succeed", "Fail") or state.get("End") is True for state in states.values()):
            self.found.append(Diagnostic("MISSING_END_STATE", "Workflow has no terminal state"))
            return
        while ahead:
            name = ahead.pop()
            if name in states and name not in reached:
                reached.add(name)
                ahead += [target for target, _ in _targets(states[name], "")]
        for name in states:
            if name not in reached and start in states:
                self.add(f'State "{name}" is not reachable.', f"{location}/States/{name}", code)


def _compile_reference(text: str) -> None:
    """Refuse paths that ResultPath cannot write to: those with wildcards, and the context object."""
    path = compile_path(text)
    if path.steps is None or path.variable != "$":
        raise ValueError(text)


def _list(holder: dict[str, Any], field: str) -> list[dict[str, Any]]:
    entries = holder.get(field)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _groups(state: dict[str, Any], at: str) -> Iterator[tuple[dict[str, Any], str]]:
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), dict):
            yield state[field], f"{at}/{field}"
    for index, branch in enumerate(_list(state, "Branches")):
        yield branch, f"{at}/Branches[{index}]"


def _targets(state: dict[str, Any], at: str) -> Iterator[tuple[Any, str]]:
    if "Next" in state:
        yield state["Next"], f"{at}/Next"
    for field in ("Choices", "Catch"):
        for index, entry in enumerate(_list(state, field)):
            if "Next" in entry:
                yield entry["Next"], f"{at}/{field}[{index}]/Next"
    if "Default" in state:
        yield state["Default"], f"{at}/Default"
