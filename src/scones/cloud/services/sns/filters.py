"""Filter policies: which messages a subscription is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scones.cloud.services.patterns import OR, PatternError, matches, parse_pattern
from scones.cloud.services.sns.errors import invalid
from scones.cloud.services.sns.records import Subscription

BODY = "MessageBody"


def check_filter(policy: str, scope: str) -> None:
    """Raise `InvalidParameter` for a filter policy that SNS refuses."""
    if policy in ("", "{}"):
        return
    try:
        pattern = parse_pattern(policy)
    except PatternError as error:
        raise invalid(f"FilterPolicy: {error}") from error
    if scope != BODY and any(isinstance(wanted, dict) for wanted in pattern.values()):
        raise invalid("FilterPolicy: Filter policy scope MessageAttributes does not support nested filter policy")
    if _keys(pattern) > 5:
        raise invalid("FilterPolicy: Filter policy can not have more than 5 keys")


def _keys(pattern: Mapping[str, Any]) -> int:
    count = 0
    for key, wanted in pattern.items():
        if isinstance(wanted, dict):
            count += _keys(wanted)
        elif key == OR:
            count += sum(_keys(each) for each in wanted if isinstance(each, dict))
        else:
            count += 1
    return count


def accepts(subscription: Subscription, message: str, attributes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a subscription wants a message."""
    policy = subscription.attributes.get("FilterPolicy")
    if not policy or policy == "{}":
        return True
    pattern = parse_pattern(policy)
    if subscription.attributes.get("FilterPolicyScope") != BODY:
        return matches(pattern, {name: _value(attribute) for name, attribute in attributes.items()})
    try:
        body = json.loads(message)
    except ValueError:
        return False
    return isinstance(body, dict) and matches(pattern, body)


def _value(attribute: Mapping[str, Any]) -> Any:
    """Return an attribute as patterns see it: a number, an array, or text."""
    text, kind = attribute.get("StringValue", ""), attribute["DataType"]
    if kind.startswith("Number"):
        return json.loads(text)
    if kind == "String.Array":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
