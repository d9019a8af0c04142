"""Validation of the rules of a Choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.asl.choice import OPERATORS, TYPE_TESTS
from scones.cloud.services.stepfunctions.asl.fields import LANGUAGES, unsupported_in_language
from scones.cloud.services.stepfunctions.asl.timestamps import parse_timestamp
from scones.cloud.services.stepfunctions.validation.state_graph import entries
from scones.cloud.services.stepfunctions.validation.values import (
    Fault,
    expected,
    is_a,
    reference_fault,
    template_faults,
)

_COMBINATIONS = ("And", "Or", "Not")
_SELECTORS = (*_COMBINATIONS, "Variable", "Condition")
_COMPARED = frozenset({"Variable", "Comment", *OPERATORS, *_COMBINATIONS})
_LED = frozenset({"Next", "Comment", "Assign"})
_FIELDS = {"JSONPath": _LED | _COMPARED, "JSONata": _LED | {"Condition", "Output"}}
_OPERANDS: dict[str, type] = {"Boolean": bool, "Numeric": float, "String": str, "Is": bool}


def rule_faults(state: dict[str, Any], at: str, language: str) -> Iterator[Fault]:
    """Yield the faults in the rules of a Choice."""
    for index, rule in enumerate(entries(state, "Choices")):
        where = f"{at}/Choices[{index}]"
        needed = ("Condition", "Next") if language != LANGUAGES[0] else ("Next",)
        missing = [name for name in needed if name not in rule]
        if missing:
            yield f"These fields are required: [{', '.join(missing)}]", where
        for field in rule:
            if message := unsupported_in_language(field, language, _FIELDS):
                yield message, where
        if language == LANGUAGES[0]:
            yield from _rule(rule, where)
            if "Assign" in rule:
                yield from template_faults(rule["Assign"], f"{where}/Assign")


def _rule(rule: dict[str, Any], at: str) -> Iterator[Fault]:
    combined = [kind for kind in _COMBINATIONS if kind in rule]
    operators = [name for name in rule if name in OPERATORS]
    if len(combined) + ("Variable" in rule) != 1:
        yield f"The object must have only one of the following fields, [{', '.join(_SELECTORS)}]", at
    elif combined and not operators:
        yield from _inner(rule[combined[0]], f"{at}/{combined[0]}", many=combined[0] != "Not")
    elif combined or not operators:
        yield "Exactly one comparison operator is required", at
    elif len(operators) > 1:
        yield f"There should only be one of the following fields: [{', '.join(operators)}]", at
    else:
        if message := reference_fault(rule["Variable"], context=True):
            yield message, f"{at}/Variable"
        yield from _operand(operators[0], rule[operators[0]], f"{at}/{operators[0]}")


def _inner(rules: Any, at: str, *, many: bool) -> Iterator[Fault]:
    if not is_a(rules, list if many else dict):
        yield expected(list if many else dict), at
        return
    if many and not rules:
        yield "Value cannot be empty", at
    for index, rule in enumerate(rules if many else [rules]):
        where = f"{at}[{index}]" if many else at
        if not isinstance(rule, dict):
            yield expected(dict), where
            continue
        for field in rule:
            if field not in _COMPARED:
                yield f"Field '{field}' is not supported", where
        yield from _rule(rule, where)


def _operand(operator: str, operand: Any, at: str) -> Iterator[Fault]:
    if operator.endswith("Path"):
        if message := reference_fault(operand, context=True):
            yield message, at
    elif operator.startswith("Timestamp"):
        if not isinstance(operand, str):
            yield expected(str), at
        elif parse_timestamp(operand) is None:
            yield "String does not match RFC3339 timestamp", at
    else:
        kind = (
            bool if operator in TYPE_TESTS else next(_OPERANDS[name] for name in _OPERANDS if operator.startswith(name))
        )
        if not is_a(operand, kind):
            yield expected(kind), at
