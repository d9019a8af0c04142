"""Conditions of policies: IAM User Guide, "IAM JSON policy elements: Condition operators"."""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from scones.cloud.services.iam.policy_text import Context, TextPattern, variables_of

Test = Callable[[str, str, Context], bool]
"""Compares a value of the context with a value of the policy, whose variables come from the context."""
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?", re.IGNORECASE)


def _equals(actual: str, wanted: str, context: Context) -> bool:
    return TextPattern(wanted, context, wildcards=False).matches(actual)


def _equals_ignoring_case(actual: str, wanted: str, context: Context) -> bool:
    lowered = {key: [value.lower() for value in values] for key, values in context.items()}
    return _equals(actual.lower(), wanted.lower(), lowered)


def _is_like(actual: str, wanted: str, context: Context) -> bool:
    return TextPattern(wanted, context).matches(actual)


def _is_arn_like(actual: str, wanted: str, context: Context) -> bool:
    """Compare the six parts of two ARNs; a wildcard does not match beyond its part."""
    parts, patterns = actual.split(":", 5), wanted.split(":", 5)
    if len(parts) < 6 or len(patterns) < 6:
        return False
    return all(TextPattern(pattern, context).matches(part) for part, pattern in zip(parts, patterns, strict=True))


def _is_in_network(actual: str, wanted: str, context: Context) -> bool:  # noqa: ARG001
    return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)


def _is_same_bool(actual: str, wanted: str, context: Context) -> bool:  # noqa: ARG001
    return actual.lower() == wanted.lower()


def _compared(compare: Callable[[float, float], bool], number: Callable[[str], float]) -> Test:
    return lambda actual, wanted, context: compare(number(actual), number(wanted))  # noqa: ARG005


def _seconds(text: str) -> float:
    """Return a date in seconds since 1970; the text is such a number, or a date in ISO 8601."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}
_TESTS: dict[str, Test] = {
    "stringequals": _equals,
    "stringequalsignorecase": _equals_ignoring_case,
    "stringlike": _is_like,
    "arnequals": _is_arn_like,
    "arnlike": _is_arn_like,
    "bool": _is_same_bool,
    "binaryequals": _equals,
    "ipaddress": _is_in_network,
    **{f"numeric{name}": _compared(compare, float) for name, compare in _COMPARISONS.items()},
    **{f"date{name}": _compared(compare, _seconds) for name, compare in _COMPARISONS.items()},
}
_NEGATIONS = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}


class Condition:
    """One comparison of a statement: an operator, a context key, and the values of the policy."""

    def __init__(self, given: str, key: str, wanted: Sequence[str]) -> None:
        found = _OPERATOR.fullmatch(given)
        name = found[2].lower() if found else ""
        self.key = key
        self._wanted = wanted
        self._set = (found[1] or "").lower() if found else ""
        self._if_exists = bool(found and found[3])
        self._is_null_test = name == "null"
        self._is_negated = name in _NEGATIONS
        self._test = _TESTS.get(_NEGATIONS.get(name, name))

    def variables(self) -> Iterator[str]:
        """Yield the context keys that the values of the policy contain as variables."""
        for text in self._wanted:
            yield from variables_of(text)

    def is_missing(self, context: Context) -> bool:
        """Return True if the condition needs a value that the context does not have."""
        return not self._is_null_test and self.key.lower() not in context

    def holds(self, context: Context) -> bool:
        """Return True if the condition is true; one with an unknown operator or a malformed value is false."""
        actual = context.get(self.key.lower())
        if self._is_null_test:
            return any((text.lower() == "true") is (actual is None) for text in self._wanted)
        if actual is None:
            return self._if_exists or self._set == "forallvalues" or (self._is_negated and not self._set)
        quantifier = all if self._set == "forallvalues" else any
        return quantifier(self._accepts(value, context) for value in actual)

    def _accepts(self, value: str, context: Context) -> bool:
        if self._test is None:
            return False
        try:
            found = any(self._test(value, wanted, context) for wanted in self._wanted)
        except ValueError:  # not a number, a date or an address
            return False
        return found is not self._is_negated


def conditions_of(block: Mapping[str, Mapping[str, Any]]) -> Iterator[Condition]:
    """Yield the conditions of a statement's member `Condition`."""
    for name, keys in block.items():
        for key, given in keys.items():
            values = given if isinstance(given, list) else [given]
            yield Condition(name, key, [_text(value) for value in values])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
