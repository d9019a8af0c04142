"""Filter policies, which select the messages that a subscription receives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scones.cloud.core.text_size import utf8_size
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.patterns import OR, PatternError, check_pattern, is_alternatives, read_pattern
from scones.cloud.patterns.locations import Step, location_of
from scones.cloud.services.sns.envelope import text_for
from scones.cloud.services.sns.errors import check_json, invalid
from scones.cloud.services.sns.topic_records import Subscription
from scones.cloud.wire import json_document

BODY = "MessageBody"
KEYS = 5
"""Maximum number of keys in a filter policy: SNS Developer Guide, "Filter policy constraints"."""
COMBINATIONS = 150
"""Maximum product, over all keys, of the number of values times the key's level, from the same page."""
SIZE = 262_144
"""Maximum size of a filter policy in bytes, from the same page."""


def check_filter(policy: str, scope: str, where: str = "") -> None:
    """Raise `InvalidParameter` for a filter policy that SNS refuses; `where` is the beginning of its messages."""
    if policy in ("", "{}"):
        return
    if utf8_size(policy) > SIZE:
        raise invalid(
            f"{where}FilterPolicy: Filter policy can not be longer than {SIZE} bytes"
        )  # AWS's wording is not known
    check_json(policy, f"{where}FilterPolicy: ")
    compact = _compact(policy)
    _check_exclusions(compact, f"{where}FilterPolicy: ")
    try:
        pattern = check_pattern(compact)
    except PatternError as error:
        raise invalid(f"{where}FilterPolicy: {error}{error.location}") from error
    if scope != BODY and any(isinstance(expected, dict) for expected in pattern.values()):
        raise invalid(f"{where}Filter policy scope MessageAttributes does not support nested filter policy")
    if _keys(pattern) > KEYS:
        raise invalid(f"{where}FilterPolicy: Filter policy can not have more than {KEYS} keys")
    if _combinations(pattern, 1) > COMBINATIONS:
        raise invalid(f"{where}FilterPolicy: Filter policy is too complex")


def _compact(policy: str) -> str:
    """Return a policy without white space: AWS's messages quote it in this form."""
    return json.dumps(json.loads(policy), separators=(",", ":"), ensure_ascii=False)


def _check_exclusions(policy: str, reason: str) -> None:
    """Raise `InvalidParameter` for an operator after `anything-but` other than `prefix`, the only one that SNS has."""
    for steps, excluded in _exclusions(json.loads(policy), []):
        operator, operand = next(iter(excluded.items()))
        located = location_of(policy, [*steps, operator], ended=False)
        if operator != "prefix":
            raise invalid(f"{reason}Unsupported anything-but pattern: {operator}{located}")
        if not isinstance(operand, str):
            raise invalid(f"{reason}prefix match pattern must be a string{located}")


def _exclusions(pattern: Any, steps: list[Step]) -> Iterator[tuple[list[Step], dict[str, Any]]]:
    """Yield the objects after `anything-but`, each with the steps that lead to it; skip what has another form."""
    if isinstance(pattern, dict):
        for key, expected in pattern.items():
            yield from _exclusions(expected, [*steps, key])
    elif isinstance(pattern, list):
        for number, rule in enumerate(pattern):
            excluded = rule.get("anything-but") if isinstance(rule, dict) else None
            if excluded and isinstance(excluded, dict):
                yield [*steps, number, "anything-but"], excluded
            elif steps and steps[-1] == OR:
                yield from _exclusions(rule, [*steps, number])


def _keys(pattern: Mapping[str, Any]) -> int:
    """Return the number of keys; of a nested policy, only the outermost count. `$or` counts with its alternatives'."""
    return sum(
        sum(map(_keys, expected)) if key == OR and is_alternatives(expected) else 1 for key, expected in pattern.items()
    )


def _combinations(pattern: Mapping[str, Any], level: int) -> int:
    """Return the product over all keys; alternatives of `$or` are summed, which SNS's page does not specify."""
    found = 1
    for key, expected in pattern.items():
        if isinstance(expected, dict):
            found *= _combinations(expected, level + 1)
        elif key == OR and is_alternatives(expected):
            found *= sum(_combinations(each, level) for each in expected)
        else:
            found *= len(expected) * level
    return found


class FilteredMessage:
    """A message for matching against filter policies; its JSON is parsed once per protocol."""

    def __init__(self, message: dict[str, Any]) -> None:
        self._message = message
        self._bodies: dict[str, Any] = {}
        self._attributes = {name: _value(attribute) for name, attribute in message["MessageAttributes"].items()}

    def _body(self, protocol: str) -> Any:
        """Return a protocol's text parsed as JSON, or None if it is not JSON."""
        if protocol not in self._bodies:
            try:
                self._bodies[protocol] = json_document.load_text(text_for(self._message, protocol))
            except ValueError:
                self._bodies[protocol] = None
        return self._bodies[protocol]

    async def accepted_by(self, subscription: Subscription, slices: TimeSlices) -> bool:
        """Return True if a subscription accepts the message."""
        if slices.used_up():
            await slices.pause()
        policy = subscription.attributes.get("FilterPolicy")
        if not policy or policy == "{}":
            return True
        pattern = read_pattern(policy)
        if subscription.attributes.get("FilterPolicyScope") != BODY:
            return await pattern.matches(self._attributes, slices)
        body = self._body(subscription.protocol)
        return isinstance(body, dict) and await pattern.matches(body, slices)


def _value(attribute: Mapping[str, Any]) -> Any:
    """Return an attribute's value for matching: a number, an array, or text."""
    text, kind = attribute.get("StringValue", ""), attribute["DataType"]
    if kind.startswith("Number"):
        return float(text)
    if kind == "String.Array":
        try:
            return json_document.load_text(text)
        except ValueError:
            return text
    return text
