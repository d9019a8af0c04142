"""Choice rules: operand types must match, rules nest, and only IsPresent accepts a missing variable."""

from __future__ import annotations

from typing import Any

import pytest

from scones.cloud.services.stepfunctions.asl.choice import COMPARISONS, OPERATORS, compile_rule
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope

INPUT = {"n": 5, "s": "hello", "t": "2026-01-01T00:00:00Z", "b": True, "z": None, "n2": 6, "f": 5.0, "star": "a*b"}


def holds(rule: dict[str, Any]) -> bool:
    return compile_rule(rule).holds(EvaluationScope(INPUT, {"State": {"Name": "A"}}, {"v": 5}))


@pytest.mark.parametrize(
    ("variable", "operator", "operand", "expected"),
    [
        ("$.n", "NumericEquals", 5, True),
        ("$.f", "NumericEquals", 5, True),
        ("$.n", "NumericEquals", "5", False),
        ("$.b", "NumericEquals", 1, False),
        ("$.n", "NumericLessThan", 6, True),
        ("$.n", "NumericGreaterThanEquals", 5, True),
        ("$.n", "NumericLessThanPath", "$.n2", True),
        ("$v", "NumericEqualsPath", "$.n", True),
        ("$.s", "StringEquals", "hello", True),
        ("$.s", "StringGreaterThan", "hallo", True),
        ("$.s", "StringMatches", "h*o", True),
        ("$.s", "StringMatches", "h*p", False),
        ("$.star", "StringMatches", "a\\*b", True),
        ("$.s", "StringMatches", "h\\*o", False),
        ("$.t", "TimestampEquals", "2026-01-01T01:00:00+01:00", True),
        ("$.t", "TimestampLessThan", "2026-01-01T00:00:00.001Z", True),
        ("$.s", "TimestampLessThan", "2026-01-01T00:00:00Z", False),
        ("$.b", "BooleanEquals", True, True),
        ("$.n", "BooleanEquals", True, False),
        ("$.z", "IsNull", True, True),
        ("$.z", "IsPresent", True, True),
        ("$.gone", "IsPresent", False, True),
        ("$.gone.more", "IsPresent", True, False),
        ("$.n", "IsNumeric", True, True),
        ("$.b", "IsNumeric", True, False),
        ("$.t", "IsTimestamp", True, True),
        ("$.s", "IsTimestamp", False, True),
        ("$.s", "IsString", True, True),
        ("$.b", "IsBoolean", True, True),
        ("$$.State.Name", "StringEquals", "A", True),
    ],
)
def test_comparisons(variable: str, operator: str, operand: Any, expected: bool):
    assert holds({"Variable": variable, operator: operand}) is expected


def test_combinations_nest():
    small, text = {"Variable": "$.n", "NumericLessThan": 9}, {"Variable": "$.s", "IsString": True}
    assert holds({"And": [small, {"Not": {"Variable": "$.b", "BooleanEquals": False}}]})
    assert holds({"Or": [{"Not": small}, text]})
    assert not holds({"Not": {"Or": [small, text]}})


def test_validation_stops_at_the_first_invalid_member():
    guard = {"Variable": "$.gone", "IsPresent": True}
    assert not holds({"And": [guard, {"Variable": "$.gone", "NumericEquals": 1}]})


def test_a_missing_variable_is_a_runtime_error():
    with pytest.raises(EvaluationError, match="The choice state's condition path references an invalid value"):
        holds({"Variable": "$.gone", "NumericEquals": 1})


def test_all_operators_of_the_language_are_supported():
    assert len(COMPARISONS) == 16
    assert len(OPERATORS) == 16 * 2 + 6 + 1


def test_stars_in_a_pattern_take_linear_time():
    rule = compile_rule({"Variable": "$.a", "StringMatches": "*a" * 12 + "*b"})
    scope = EvaluationScope({"a": "a" * 200_000}, {}, {})
    assert not rule.holds(scope)
