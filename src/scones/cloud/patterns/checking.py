"""Checks of the form and size of event patterns, with the messages of event-ruler, the library behind EventBridge."""

from __future__ import annotations

import ipaddress
import math
from typing import Any

from scones.cloud.core.wildcards import WildcardError, check_wildcard
from scones.cloud.wire import json_document

OR = "$or"
IGNORE_CASE = "equals-ignore-case"
MAX_DEPTH = 100
"""Maximum nesting depth of a pattern's objects. AWS's parser has a limit too, but AWS does not publish it."""
COMBINATIONS = 1000
"""Maximum number of rules without `$or` that a pattern may expand to (EventBridge User Guide, "$or matching")."""
_COMPARISONS = ("=", "<", "<=", ">", ">=")


class PatternError(Exception):
    """A pattern that AWS refuses; the message gives the reason."""


def check_pattern(text: str) -> dict[str, Any]:
    """Parse and check a pattern; raises `PatternError` if AWS would refuse it."""
    try:
        pattern = json_document.load_text(text)
    except ValueError as error:
        raise PatternError(f"not valid JSON: {error}") from error
    if not isinstance(pattern, dict):
        raise PatternError("Filter is not an object")
    _check_group(pattern, MAX_DEPTH)
    if _combinations(pattern) > COMBINATIONS:
        raise PatternError(f"Rule is too complex - $or has more than {COMBINATIONS} combinations")
    return pattern


def is_alternatives(wanted: Any) -> bool:
    """Return True if the value of `$or` is a list of alternatives; otherwise `$or` is an ordinary field name."""
    return isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(each, dict) for each in wanted)


_TOO_DEEP = f"It has more than {MAX_DEPTH} levels of nested objects"


def _combinations(pattern: dict[str, Any]) -> int:
    """Return the number of rules without `$or` that a pattern expands to."""
    return math.prod(
        sum(map(_combinations, expected)) if key == OR and is_alternatives(expected) else _combinations(expected)
        for key, expected in pattern.items()
        if isinstance(expected, dict) or (key == OR and is_alternatives(expected))
    )


def _check_group(pattern: dict[str, Any], depth: int) -> None:
    if not depth:
        raise PatternError(_TOO_DEEP)
    if not pattern:
        raise PatternError("Empty objects are not allowed")
    for key, expected in pattern.items():
        if key == OR and is_alternatives(expected):
            for each in expected:
                _check_group(each, depth - 1)
        elif isinstance(expected, dict):
            _check_group(expected, depth - 1)
        elif isinstance(expected, list):
            if not expected:
                raise PatternError("Empty arrays are not allowed")
            for rule in expected:
                _check_rule(rule)
        else:
            raise PatternError(f'"{key}" must be an object or an array')


def _check_rule(rule: Any) -> None:
    if isinstance(rule, list):
        raise PatternError("Match value must be String, number, true, false, or null")
    if not isinstance(rule, dict):
        return
    if len(rule) != 1:
        raise PatternError("Only one key allowed in match expression")
    ((operator, operand),) = rule.items()
    match operator:
        case "exists":
            if not isinstance(operand, bool):
                raise PatternError("exists match pattern must be either true or false.")
        case "numeric":
            _check_numeric(operand)
        case "anything-but":
            _check_anything_but(operand)
        case "cidr":
            _check_network(operand)
        case "prefix" | "suffix" if isinstance(operand, dict):
            _check_ignoring_case(operator, operand)
        case "prefix" | "suffix" | "equals-ignore-case" | "wildcard":
            _check_text(operator, operand)
        case _:
            raise PatternError(f"Unrecognized match type {operator}")


def _check_ignoring_case(operator: str, operand: dict[str, Any]) -> None:
    """Check the object after `prefix` or `suffix`; the messages are those of AWS's event-ruler."""
    name = next(iter(operand), None)
    if name is None:
        raise PatternError(f"{operator.capitalize()} expression name not found")
    if name != IGNORE_CASE:
        raise PatternError(f"Unsupported {operator} pattern: {name}")
    _check_text(IGNORE_CASE, operand[IGNORE_CASE])
    if len(operand) > 1:
        raise PatternError("Only one key allowed in match expression")


def _check_text(operator: str, operand: Any) -> None:
    if not isinstance(operand, str):
        raise PatternError(f"{operator} match pattern must be a string")
    if operator == "wildcard":
        try:
            check_wildcard(operand)
        except WildcardError as error:
            raise PatternError(str(error)) from error


def _check_numeric(operand: Any) -> None:
    if not isinstance(operand, list) or not operand:
        raise PatternError("Value of numeric must be an array.")
    operators, limits = operand[::2], operand[1::2]
    if unknown := [each for each in operators if each not in _COMPARISONS]:
        raise PatternError(f"Unrecognized numeric range operator: {unknown[0]}")
    if len(limits) != len(operators) or not all(_is_number(limit) for limit in limits):
        raise PatternError("Value of a numeric operator must be a number")
    if len(operators) > 2 or (len(operators) == 2 and not (operators[0][0] == ">" and operators[1][0] == "<")):
        raise PatternError("Too many elements in numeric expression")
    if len(limits) == 2 and limits[0] >= limits[1]:
        raise PatternError("Bottom must be less than top")


def _check_anything_but(operand: Any) -> None:
    if isinstance(operand, dict):
        if len(operand) != 1 or not operand.keys() <= {"prefix", "suffix", IGNORE_CASE, "wildcard"}:
            raise PatternError(f"Unsupported anything-but pattern: {', '.join(operand)}")
        ((operator, texts),) = operand.items()
        for text in texts if isinstance(texts, list) else [texts]:
            _check_text(operator, text)
        return
    values = operand if isinstance(operand, list) else [operand]
    if not values:
        raise PatternError("Anything-But match pattern must have at least one value")
    if not all(isinstance(each, str | int | float) and not isinstance(each, bool) for each in values):
        raise PatternError("Inside anything but list, start|null|boolean is not supported.")


def _check_network(operand: Any) -> None:
    try:
        ipaddress.ip_network(operand, strict=False)
    except (ValueError, TypeError):
        raise PatternError(f"Malformed CIDR, one '/' required: {operand}") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
