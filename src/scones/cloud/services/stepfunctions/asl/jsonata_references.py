"""JSONata expressions that need no evaluator: a reference such as `$states.input.order.id`, alone or in a comparison.

Most expressions of most state machines are of this kind. If JSONata would do more than look up names (because a value
on the way is an array, or operands differ in type), the result is `UNKNOWN`, and a worker evaluates the expression.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scones.cloud.services.stepfunctions.asl.missing import MISSING

UNKNOWN: Any = object()
"""Result of an expression that JSONata has to evaluate."""
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,255}"
_STEPS = rf"\$({_NAME})((?:\.{_NAME}){{0,20}})"
_REFERENCE = re.compile(
    rf"{_STEPS}(?:\s*(=|!=|<|<=|>|>=)\s*({_STEPS}|'[^'\\]*'|\"[^\"\\]*\"|-?[0-9]{{1,15}}|true|false))?"
)
_RESERVED_NAMES = frozenset({"and", "or", "in", "true", "false", "null", "function"})
"""Names with a special meaning in JSONata's parser."""
_MAX_LENGTH = 1000
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class JsonataReference:
    """A variable and the names of the steps after it."""

    variable: str
    steps: tuple[str, ...]

    def resolve(self, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """Return the value in the form of JSONata's results, `MISSING` if there is none, or `UNKNOWN`."""
        return to_jsonata_json(self.find(states, variables))

    def find(self, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """Return the unconverted value, `MISSING` if there is none, or `UNKNOWN`."""
        value = states if self.variable == "states" else variables.get(self.variable, UNKNOWN)
        for step in self.steps:
            if not isinstance(value, dict):
                return UNKNOWN
            value = value.get(step, MISSING)
        return value


@dataclass(frozen=True, slots=True)
class JsonataComparison:
    """A comparison of a reference with another reference or a literal."""

    left: JsonataReference
    operator: str
    right: JsonataReference | JsonataLiteral

    def resolve(self, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """Return the result if both sides are numbers, both are strings, or both are booleans; otherwise `UNKNOWN`.

        An order comparison of booleans is `UNKNOWN` too.
        """
        left, right = self.left.find(states, variables), self.right.find(states, variables)
        kind = _kind(left)
        if kind is None or kind != _kind(right):
            return UNKNOWN
        if self.operator in ("=", "!="):
            return (left == right) is (self.operator == "=")
        return UNKNOWN if kind == "boolean" else _ORDERS[self.operator](left, right)


@dataclass(frozen=True, slots=True)
class JsonataLiteral:
    """A string, a number or a boolean."""

    value: Any

    def find(self, _states: Mapping[str, Any], _variables: Mapping[str, Any]) -> Any:
        """Return the value."""
        return self.value


@lru_cache(maxsize=4096)
def compile_reference(text: str) -> JsonataReference | JsonataComparison | None:
    """Return an expression's reference or comparison, or None if it is neither."""
    match = _REFERENCE.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None or _RESERVED_NAMES & set(re.findall(_NAME, match[1] + match[2])):
        return None
    left = JsonataReference(match[1], tuple(match[2].split(".")[1:]))
    if match[3] is None:
        return left
    if match[5] is None:
        literal = match[4]
        return JsonataComparison(
            left, match[3], JsonataLiteral(literal[1:-1] if literal[0] in "'\"" else json.loads(literal))
        )
    if _RESERVED_NAMES & set(re.findall(_NAME, match[5] + match[6])):
        return None
    return JsonataComparison(left, match[3], JsonataReference(match[5], tuple(match[6].split(".")[1:])))


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "string" if isinstance(value, str) else None


def to_jsonata_json(value: Any) -> Any:
    """Return a copy of a JSON value with numbers in the form that JSONata's results have on AWS."""
    if isinstance(value, dict):
        return {name: to_jsonata_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [to_jsonata_json(item) for item in value]
    return to_jsonata_number(value) if isinstance(value, float) else value


def to_jsonata_number(value: float) -> float | str:
    """Return a whole number below 1e15 as an integer, and NaN and infinities as strings, as AWS does."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
