"""Event patterns: the matching language that EventBridge, SNS's filter policies and Lambda's event filters share.

EventBridge User Guide, "Comparison operators for use in event patterns". A pattern's leaves are arrays of which one
entry has to match; where an event has an array, one of its elements has to.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

OR = "$or"
_COMPARISONS = {"=", "<", "<=", ">", ">="}
_IGNORE_CASE = "equals-ignore-case"


class PatternError(Exception):
    """A pattern that AWS refuses; the text says why."""


def parse_pattern(text: str) -> dict[str, Any]:
    """Read a pattern and check it; raises `PatternError`."""
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise PatternError(f"it is not JSON: {error}") from error
    if not isinstance(pattern, dict):
        raise PatternError("Filter is not an object")
    _check_group(pattern)
    return pattern


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Tell whether an event has all that a checked pattern asks for."""
    fields = event if isinstance(event, dict) else {}
    for key, wanted in pattern.items():
        if key == OR and _is_alternatives(wanted):
            if not any(matches(each, fields) for each in wanted):
                return False
        elif isinstance(wanted, dict):
            if not any(matches(wanted, each) for each in _objects(fields.get(key))):
                return False
        elif not _leaf(wanted, fields, key):
            return False
    return True


# --- Matching -------------------------------------------------------------------------------------------------------


def _is_alternatives(wanted: Any) -> bool:
    """Tell whether `$or` means alternatives: with anything else below it, it is a field of that name."""
    return isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(each, dict) for each in wanted)


def _objects(value: Any) -> list[Any]:
    """Return the objects below a field, each matched by itself; without any, one that has no fields."""
    found = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else [value]
    return found or [{}]


def _leaf(rules: list[Any], fields: dict[str, Any], key: str) -> bool:
    values = list(_values(fields[key])) if key in fields else []
    if any(isinstance(rule, dict) and rule.get("exists") is (bool(values)) for rule in rules):
        return True
    return any(_matches(rule, value) for rule in rules for value in values)


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _values(each)
    elif not isinstance(value, dict):
        yield value


def _matches(rule: Any, value: Any) -> bool:
    if not isinstance(rule, dict):
        return _equal(rule, value)
    ((operator, operand),) = rule.items()
    match operator:
        case "anything-but":
            return _anything_but(operand, value)
        case "numeric":
            return _is_number(value) and all(_compares(value, *pair) for pair in _pairs(operand))
        case "cidr":
            return isinstance(value, str) and _in_network(value, operand)
        case "exists":
            return False
    return isinstance(value, str) and _text_matches(operator, operand, value)


def _equal(wanted: Any, value: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return wanted == value and isinstance(wanted, bool) == isinstance(value, bool)


def _anything_but(operand: Any, value: Any) -> bool:
    if isinstance(operand, dict):
        ((operator, texts),) = operand.items()
        excluded = texts if isinstance(texts, list) else [texts]
        return not isinstance(value, str) or not any(_text_matches(operator, text, value) for text in excluded)
    excluded = operand if isinstance(operand, list) else [operand]
    return not any(_equal(each, value) for each in excluded)


def _text_matches(operator: str, operand: Any, value: str) -> bool:
    if isinstance(operand, dict):  # {"prefix": {"equals-ignore-case": "…"}}
        operand, value = operand[_IGNORE_CASE].casefold(), value.casefold()
    match operator:
        case "prefix":
            return value.startswith(operand)
        case "suffix":
            return value.endswith(operand)
        case "equals-ignore-case":
            return value.casefold() == str(operand).casefold()
    return _wildcard(operand).fullmatch(value) is not None


@lru_cache(maxsize=512)
def _wildcard(text: str) -> re.Pattern[str]:
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    return re.compile("".join(".*" if part == "*" else re.escape(part.removeprefix("\\") or "\\") for part in parts),
                      re.DOTALL)  # fmt: skip


def _pairs(operand: list[Any]) -> Iterator[tuple[str, float]]:
    yield from zip(operand[::2], operand[1::2], strict=True)


def _compares(value: float, operator: str, limit: float) -> bool:
    match operator:
        case "=":
            return value == limit
        case "<":
            return value < limit
        case "<=":
            return value <= limit
        case ">":
            return value > limit
    return value >= limit


def _in_network(value: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- Checking -------------------------------------------------------------------------------------------------------


def _check_group(pattern: dict[str, Any]) -> None:
    if not pattern:
        raise PatternError("Empty objects are not allowed")
    for key, wanted in pattern.items():
        if key == OR and _is_alternatives(wanted):
            for each in wanted:
                _check_group(each)
        elif isinstance(wanted, dict):
            _check_group(wanted)
        elif isinstance(wanted, list):
            if not wanted:
                raise PatternError("Empty arrays are not allowed")
            for rule in wanted:
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
            if set(operand) != {_IGNORE_CASE} or not isinstance(operand[_IGNORE_CASE], str):
                raise PatternError(f"Unsupported {operator} match pattern: an object has to be {_IGNORE_CASE} alone")
        case "prefix" | "suffix" | "equals-ignore-case" | "wildcard":
            _check_text(operator, operand)
        case _:
            raise PatternError(f"Unrecognized match type {operator}")


def _check_text(operator: str, operand: Any) -> None:
    if not isinstance(operand, str):
        raise PatternError(f"{operator} match pattern must be a string")
    if operator == "wildcard" and "**" in operand:
        raise PatternError("Consecutive wildcard characters are not allowed")


def _check_numeric(operand: Any) -> None:
    if not isinstance(operand, list) or not operand:
        raise PatternError("Value of numeric must be an array.")
    operators, limits = operand[::2], operand[1::2]
    if unknown := next((each for each in operators if each not in _COMPARISONS), None):
        raise PatternError(f"Unrecognized numeric range operator: {unknown}")
    if len(limits) != len(operators) or not all(_is_number(limit) for limit in limits):
        raise PatternError("Value of a numeric operator must be a number")
    if len(operators) > 2 or (len(operators) == 2 and not (operators[0][0] == ">" and operators[1][0] == "<")):
        raise PatternError("Too many elements in numeric expression")
    if len(limits) == 2 and limits[0] >= limits[1]:
        raise PatternError("Bottom must be less than top")


def _check_anything_but(operand: Any) -> None:
    if isinstance(operand, dict):
        if len(operand) != 1 or not operand.keys() <= {"prefix", "suffix", _IGNORE_CASE, "wildcard"}:
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
