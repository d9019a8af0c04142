"""Warnings about a definition that AWS accepts (API Reference, "ValidateStateMachineDefinitionDiagnostic").

Codes and messages are from that page; the wording that the service itself uses is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.asl.choice import OPERATORS
from scones.cloud.services.stepfunctions.asl.fields import LANGUAGES
from scones.cloud.services.stepfunctions.validation.definition import language_of
from scones.cloud.services.stepfunctions.validation.diagnostics import Diagnostic
from scones.cloud.services.stepfunctions.validation.state_graph import all_states, entries

_NO_DOLLAR = "No .$ on a field that appears to be a JSONPath or Intrinsic Function."
_NO_PATH = "Field value looks like a path, but field name does not end with 'Path'."
_STATIC = "Attempt to use a path in the result of a pass state."
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
_TEXTS = ("Error", "Cause")


def warnings(document: dict[str, Any]) -> list[Diagnostic]:
    """Return the warnings about a valid definition."""
    machine = language_of(document, LANGUAGES[0])
    found: list[Diagnostic] = []
    for _, state, at in all_states(document):
        if language_of(state, machine) == LANGUAGES[0]:
            found += _state(state, at)
    return found


def _state(state: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    for field in _TEMPLATES:
        yield from _paths(state.get(field), f"{at}/{field}", "NO_DOLLAR", _NO_DOLLAR)
    if state["Type"] == "Pass":
        yield from _paths(state.get("Result"), f"{at}/Result", "PASS_RESULT_IS_STATIC", _STATIC)
    if state["Type"] == "Fail":
        for field in _TEXTS:
            yield from _paths(state.get(field), f"{at}/{field}", "NO_PATH", _NO_PATH)
    for index, rule in enumerate(entries(state, "Choices")):
        yield from _rule(rule, f"{at}/Choices[{index}]")


def _rule(rule: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    for field, value in rule.items():
        if field in OPERATORS and not field.endswith("Path"):
            yield from _paths(value, f"{at}/{field}", "NO_PATH", _NO_PATH)
    for kind in ("And", "Or"):
        for index, inner in enumerate(entries(rule, kind)):
            yield from _rule(inner, f"{at}/{kind}[{index}]")
    if "Not" in rule:
        yield from _rule(rule["Not"], f"{at}/Not")


def _paths(value: Any, at: str, code: str, message: str) -> Iterator[Diagnostic]:
    """Yield a warning for each string in a value that looks like a path or a call but is evaluated as neither."""
    if isinstance(value, dict):
        for name, item in value.items():
            if not name.endswith(".$"):
                yield from _paths(item, f"{at}/{name}", code, message)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, f"{at}[{index}]", code, message)
    elif isinstance(value, str) and value.startswith(("$.", "$$.", "$[", "States.")):
        yield Diagnostic(code, message, at)
