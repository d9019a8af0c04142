"""Matching of events against patterns, in small steps that let the event loop run."""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.core.wildcards import parse_wildcard
from scones.cloud.patterns.checking import IGNORE_CASE, OR, is_alternatives

ValueTest = Callable[[Any], bool]
"""Returns True if a rule of a leaf accepts one value of an event: a text, number, boolean or null."""

VALUES_PER_CHECK = 64
"""Maximum number of an event's values that are tested between two checks of the clock."""
CHARACTERS_PER_CHECK = 65_536
"""Maximum characters of the values that are tested between two checks of the clock, unless one value has more."""
MAX_CACHED_PATTERN = 4096
"""Maximum characters of a pattern whose compiled form is cached; EventBridge and Lambda allow no longer patterns."""
PRECISE = 5e9
"""Magnitude up to which numbers are compared with six decimal places: EventBridge User Guide, "Numeric matching"."""


@dataclass(frozen=True, slots=True)
class FieldRules:
    """The rules for one field; at least one of them has to accept at least one of the field's values."""

    tests: tuple[ValueTest, ...]
    presence: frozenset[bool]
    """Operands of the `exists` rules: True matches any value, False matches a field without values."""

    async def matches(self, value: Any, slices: TimeSlices) -> bool:
        """Return True if the rules accept one of the field's values, or the absence of values."""
        found = False
        for values in _values(value):
            if slices.used_up():
                await slices.pause()
            found = found or bool(values)
            if found and True in self.presence:
                return True
            for test in self.tests:
                if any(map(test, values)):
                    return True
                if slices.used_up():
                    await slices.pause()
        return not found and False in self.presence


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """A compiled object: all of its fields have to match, and at least one group in each list of alternatives."""

    fields: tuple[tuple[str, FieldRules | FieldGroup], ...]
    alternatives: tuple[tuple[FieldGroup, ...], ...]

    async def matches(self, event: dict[str, Any], slices: TimeSlices) -> bool:
        """Return True if an object matches the group."""
        if slices.used_up():
            await slices.pause()
        for key, expected in self.fields:
            value = event[key] if key in event else _joined(event, key)
            if isinstance(expected, FieldRules):
                if not await expected.matches([] if value is None and key not in event else value, slices):
                    return False
            elif not await expected.matches_one(value, slices):
                return False
        for groups in self.alternatives:
            for group in groups:
                if await group.matches(event, slices):
                    break
            else:
                return False
        return True

    async def matches_one(self, value: Any, slices: TimeSlices) -> bool:
        """Return True if a field's value is a matching object, or an array of any depth that contains one.

        A field without objects is treated as an empty object.
        """
        empty = True
        for each in _objects(value):
            empty = False
            if await self.matches(each, slices):
                return True
        return empty and await self.matches({}, slices)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. Matching takes time proportional to the sizes of the pattern and the event."""

    root: FieldGroup

    def names_fields_of(self, key: str) -> bool:
        """Return True if the value of a top-level key in the pattern is an object."""
        return any(name == key and isinstance(expected, FieldGroup) for name, expected in self.root.fields)

    async def matches(self, event: Any, slices: TimeSlices | None = None) -> bool:
        """Return True if an event matches the pattern.

        `slices` are the time slices of the task that matching is part of; None lets it open its own.
        """
        fields = event if isinstance(event, dict) else {}
        if slices is not None:
            return await self.root.matches(fields, slices)
        async with TimeSlices() as own:
            return await self.root.matches(fields, own)


def read_pattern(text: str) -> Pattern:
    """Compile a pattern, which must have been checked by `check_pattern`."""
    return _cached(text) if len(text) <= MAX_CACHED_PATTERN else _compiled(text)


def _compiled(text: str) -> Pattern:
    return Pattern(_group(_nested(json.loads(text))))


_cached = lru_cache(maxsize=1024)(_compiled)


def _nested(pattern: dict[str, Any]) -> dict[str, Any]:
    """Return a pattern without dots in its keys: `{"a.b": …}` becomes `{"a": {"b": …}}`, which is the same on AWS.

    Of two values for the same field, the last one counts.
    """
    found: dict[str, Any] = {}
    for key, expected in pattern.items():
        if key == OR and is_alternatives(expected):
            found[key] = [_nested(each) for each in expected]
            continue
        *parents, name = key.split(".")
        _merge(found, reduce(lambda inner, parent: {parent: inner}, reversed(parents), {name: _nested_value(expected)}))
    return found


def _nested_value(expected: Any) -> Any:
    return _nested(expected) if isinstance(expected, dict) else expected


def _merge(pattern: dict[str, Any], other: dict[str, Any]) -> None:
    for key, expected in other.items():
        if isinstance(expected, dict) and isinstance(known := pattern.get(key), dict):
            _merge(known, expected)
        else:
            pattern[key] = expected


def _joined(event: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Return the value of a key that an event contains only as a part of keys with dots, or None.

    In `{"a.b": 1}`, the value of `a` is `{"b": 1}`.
    """
    prefix = f"{key}."
    return {name[len(prefix) :]: value for name, value in event.items() if name.startswith(prefix)} or None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in a value, including those of nested arrays."""
    stack: list[Iterator[Any]] = [iter([value])]
    while stack:
        for each in stack[-1]:
            if isinstance(each, dict):
                yield each
            elif isinstance(each, list):
                stack.append(iter(each))
                break
        else:
            stack.pop()


def _values(value: Any) -> Iterator[list[Any]]:
    """Yield a field's scalar values, including those of nested arrays, in batches of bounded work; some are empty."""
    batch: list[Any] = []
    steps = size = 0
    stack: list[Iterator[Any]] = [iter([value])]
    while stack:
        for each in stack[-1]:
            steps += 1
            if isinstance(each, list):
                stack.append(iter(each))
                break
            if not isinstance(each, dict):
                batch.append(each)
                size += len(each) if isinstance(each, str) else 1
            if steps >= VALUES_PER_CHECK or size >= CHARACTERS_PER_CHECK:
                yield batch
                batch, steps, size = [], 0, 0
        else:
            stack.pop()
        if steps >= VALUES_PER_CHECK:
            yield batch
            batch, steps, size = [], 0, 0
    yield batch


def _group(pattern: dict[str, Any]) -> FieldGroup:
    fields: list[tuple[str, FieldRules | FieldGroup]] = []
    alternatives = []
    for key, expected in pattern.items():
        if key == OR and is_alternatives(expected):
            alternatives.append(tuple(_group(each) for each in expected))
        elif isinstance(expected, dict):
            fields.append((key, _group(expected)))
        else:
            fields.append((key, _leaf(expected)))
    return FieldGroup(tuple(fields), tuple(alternatives))


def _leaf(rules: list[Any]) -> FieldRules:
    literals = [rule for rule in rules if not isinstance(rule, dict)]
    operators = [next(iter(rule.items())) for rule in rules if isinstance(rule, dict)]
    tests = [_one_of(literals)] if literals else []
    tests += [_test(operator, operand) for operator, operand in operators if operator != "exists"]
    return FieldRules(tuple(tests), frozenset(operand for operator, operand in operators if operator == "exists"))


def _one_of(literals: Iterable[Any]) -> ValueTest:
    """Return a test for equality with one of the literals, as JSON compares: true is not 1."""
    booleans = frozenset(each for each in literals if isinstance(each, bool))
    others = frozenset(_rounded(each) for each in literals if not isinstance(each, bool))
    return lambda value: value in booleans if isinstance(value, bool) else _rounded(value) in others


def _test(operator: str, operand: Any) -> ValueTest:
    match operator:
        case "anything-but":
            return _anything_but(operand)
        case "numeric":
            pairs = tuple(zip(operand[::2], operand[1::2], strict=True))
            return lambda value: _is_number(value) and all(_compares(value, *pair) for pair in pairs)
        case "cidr":
            network = ipaddress.ip_network(operand, strict=False)
            return lambda value: isinstance(value, str) and _in_network(value, network)
    text_test = _text_test(operator, operand)
    return lambda value: text_test(value) if isinstance(value, str) else False


def _anything_but(operand: Any) -> ValueTest:
    if not isinstance(operand, dict):
        excluded = _one_of(operand if isinstance(operand, list) else [operand])
        return lambda value: not excluded(value)
    ((operator, texts),) = operand.items()
    tests = [_text_test(operator, text) for text in (texts if isinstance(texts, list) else [texts])]
    return lambda value: not isinstance(value, str) or not any(test(value) for test in tests)


def _text_test(operator: str, operand: Any) -> Callable[[str], bool]:
    if isinstance(operand, dict):  # {"prefix": {"equals-ignore-case": "…"}}
        folded = _text_test(operator, operand[IGNORE_CASE].casefold())
        return lambda value: folded(value.casefold())
    match operator:
        case "prefix":
            return lambda value: value.startswith(operand)
        case "suffix":
            return lambda value: value.endswith(operand)
        case "exactly":
            return lambda value: value == operand
        case "equals-ignore-case":
            expected = operand.casefold()
            return lambda value: value.casefold() == expected
    return parse_wildcard(operand).matches


def _rounded(value: Any) -> Any:
    """Return a number without what follows its sixth decimal place, and any other value unchanged."""
    if not isinstance(value, float) or abs(value) >= PRECISE:
        return value
    return math.trunc(value * 1e6) / 1e6


def _compares(value: float, operator: str, limit: float) -> bool:
    value, limit = _rounded(value), _rounded(limit)
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


def _in_network(value: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(value) in network
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
