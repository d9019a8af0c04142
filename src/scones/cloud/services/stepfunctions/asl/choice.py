"""Choice rules, compiled once: all comparison operators, And, Or and Not."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scones.cloud.core.wildcards import Wildcard, parse_wildcard
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.missing import MISSING
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path, compile_reference_path
from scones.cloud.services.stepfunctions.asl.timestamps import parse_timestamp

Compare = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class ChoiceComparison:
    """A comparison of `Variable` with a constant or with the value at a path (`...Path`)."""

    variable: Path
    compare: Compare
    operand: Any
    operand_path: Path | None

    def holds(self, scope: EvaluationScope) -> bool:
        """Return True if the comparison is true for this input."""
        value = _reference(self.variable, scope)
        other = self.operand if self.operand_path is None else _reference(self.operand_path, scope)
        return self.compare(value, other)


@dataclass(frozen=True, slots=True)
class TypeTest:
    """A type test such as IsNull or IsString."""

    variable: Path
    test: Callable[[Any], bool]
    expected: bool

    def holds(self, scope: EvaluationScope) -> bool:
        """Return True if the test's result is `expected`; only IsPresent accepts a missing value."""
        value = self.variable.find(scope) if self.test is _is_present else _reference(self.variable, scope)
        return self.test(value) is self.expected


@dataclass(frozen=True, slots=True)
class BooleanExpression:
    """An And, Or or Not of other rules."""

    kind: str
    rules: tuple[ChoiceRule, ...]

    def holds(self, scope: EvaluationScope) -> bool:
        """Return True if the combination is true for this input."""
        if self.kind == "Not":
            return not self.rules[0].holds(scope)
        quantifier = all if self.kind == "And" else any
        return quantifier(rule.holds(scope) for rule in self.rules)


ChoiceRule = ChoiceComparison | TypeTest | BooleanExpression


def _reference(path: Path, scope: EvaluationScope) -> Any:
    try:
        return path.evaluate(scope)
    except EvaluationError:
        raise EvaluationError(
            f"Invalid path '{path.text}': The choice state's condition path references an invalid value."
        ) from None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_present(value: Any) -> bool:
    return value is not MISSING


def _timestamp(value: Any) -> datetime | None:
    return parse_timestamp(value) if isinstance(value, str) else None


def _numeric(compare: Compare) -> Compare:
    return lambda value, other: _is_number(value) and _is_number(other) and compare(value, other)


def _textual(compare: Compare) -> Compare:
    return lambda value, other: isinstance(value, str) and isinstance(other, str) and compare(value, other)


def _temporal(compare: Compare) -> Compare:
    def holds(value: Any, other: Any) -> bool:
        first, second = _timestamp(value), _timestamp(other)
        return first is not None and second is not None and compare(first, second)

    return holds


def _boolean(value: Any, other: Any) -> bool:
    return isinstance(value, bool) and isinstance(other, bool) and value is other


def _matches(value: Any, pattern: Wildcard) -> bool:
    return isinstance(value, str) and pattern.matches(value)


_ORDERS: dict[str, Compare] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
COMPARISONS: dict[str, Compare] = {
    "BooleanEquals": _boolean,
    **{f"Numeric{name}": _numeric(compare) for name, compare in _ORDERS.items()},
    **{f"String{name}": _textual(compare) for name, compare in _ORDERS.items()},
    **{f"Timestamp{name}": _temporal(compare) for name, compare in _ORDERS.items()},
}
TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNull": lambda value: value is None,
    "IsNumeric": _is_number,
    "IsPresent": _is_present,
    "IsString": lambda value: isinstance(value, str),
    "IsTimestamp": lambda value: _timestamp(value) is not None,
}
OPERATORS = frozenset({*COMPARISONS, *(f"{name}Path" for name in COMPARISONS), *TYPE_TESTS, "StringMatches"})
"""Every operator that compares a `Variable`."""


def compile_rule(rule: dict[str, Any]) -> ChoiceRule:
    """Compile a validated rule, without its Next and Assign."""
    for kind in ("And", "Or"):
        if kind in rule:
            return BooleanExpression(kind, tuple(compile_rule(inner) for inner in rule[kind]))
    if "Not" in rule:
        return BooleanExpression("Not", (compile_rule(rule["Not"]),))
    variable = compile_reference_path(rule["Variable"])
    name = next(key for key in rule if key in OPERATORS)
    operand = rule[name]
    if name in TYPE_TESTS:
        return TypeTest(variable, TYPE_TESTS[name], operand)
    if name == "StringMatches":
        return ChoiceComparison(variable, _matches, parse_wildcard(operand), None)
    if name.endswith("Path"):
        return ChoiceComparison(variable, COMPARISONS[name.removesuffix("Path")], None, compile_reference_path(operand))
    return ChoiceComparison(variable, COMPARISONS[name], operand, None)
