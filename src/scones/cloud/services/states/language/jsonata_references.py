"""The JSONata that needs no evaluator: a reference such as `$states.input.order.id`, alone or in a comparison.

Most expressions of most machines are of this kind. Where a value is met on which JSONata does more than follow a name
(an array on the way, operands of different types), the answer is `UNKNOWN`, and a worker process evaluates it.
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

from scones.cloud.services.states.language.paths import MISSING

UNKNOWN: Any = object()
"""What a reference resolves to where JSONata has to evaluate it."""
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,255}"
_STEPS = rf"\$({_NAME})((?:\.{_NAME}){{0,20}})"
_REFERENCE = re.compile(
    rf"{_STEPS}(?:\s*(=|!=|<|<=|>|>=)\s*({_STEPS}|'[^'\\]*'|\"[^\"\\]*\"|-?[0-9]{{1,15}}|true|false))?"
)
_WORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})
"""Names that mean something else to JSONata's parser."""
_LONGEST = 1000
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable and the names of the steps behind it."""

    variable: str
    steps: tuple[str, ...]

    def resolve(self, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """Return the value, `MISSING` where there is none, or `UNKNOWN`."""
        return plain(self.find(states, variables))

    def find(self, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """Return the value as the input has it."""
        value = states if self.variable == "states" else variables.get(self.variable, UNKNOWN)
        for step in self.steps:
            if not isinstance(value, dict):
                return UNKNOWN
            value = value.get(step, MISSING)
        return value


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reference compared with another or with a literal."""

    left: Reference
    operator: str
    right: Reference | Literal

    def resolve(self, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """Return the truth, or `UNKNOWN` unless both sides are numbers, both strings, or both booleans."""
        left, right = self.left.find(states, variables), self.right.find(states, variables)
        kind = _kind(left)
        if kind is None or kind != _kind(right):
            return UNKNOWN
        if self.operator in ("=", "!="):
            return (left == right) is (self.operator == "=")
        return UNKNOWN if kind == "boolean" else _ORDERS[self.operator](left, right)


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, a number or a boolean."""

    value: Any

    def find(self, _states: Mapping[str, Any], _variables: Mapping[str, Any]) -> Any:
        """Return the value."""
        return self.value


@lru_cache(maxsize=4096)
def compile_reference(text: str) -> Reference | Comparison | None:
    """Return what an expression refers to, or None where it is no reference."""
    match = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or _WORDS & set(re.findall(_NAME, match[1] + match[2])):
        return None
    left = Reference(match[1], tuple(match[2].split(".")[1:]))
    if match[3] is None:
        return left
    if match[5] is None:
        literal = match[4]
        return Comparison(left, match[3], Literal(literal[1:-1] if literal[0] in "'\"" else json.loads(literal)))
    if _WORDS & set(re.findall(_NAME, match[5] + match[6])):
        return None
    return Comparison(left, match[3], Reference(match[5], tuple(match[6].split(".")[1:])))


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "string" if isinstance(value, str) else None


def plain(value: Any) -> Any:
    """Return a copy of a JSON value with the numbers that JSONata's results have on AWS."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return plain_number(value) if isinstance(value, float) else value


def plain_number(value: float) -> float | str:
    """Return a whole number as an integer, and one that is not finite as AWS does: as a text."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
