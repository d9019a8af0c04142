"""The limit on the complexity of wildcards in the event patterns of EventBridge's rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.core.wildcards import complexity
from scones.cloud.patterns.checking import OR, is_alternatives

COMPLEXITY = 10
"""Complexity from which a wildcard is refused.

AWS does not publish its limit. It is known to refuse `*:*:*:*:*:event-bus/*`, whose complexity is 10, and to accept a
wildcard with a complexity of 7. AWS adds up the wildcards of a field; here, each one is measured alone.
"""


def too_complex(pattern: dict[str, Any]) -> bool:
    """Return True if a pattern that `check_pattern` accepts contains a wildcard that is refused."""
    return any(complexity(wildcard, COMPLEXITY) >= COMPLEXITY for wildcard in _wildcards(pattern))


def _wildcards(pattern: dict[str, Any]) -> Iterator[str]:
    """Yield the wildcards of all fields of a pattern."""
    for key, expected in pattern.items():
        if isinstance(expected, dict):
            yield from _wildcards(expected)
        elif key == OR and is_alternatives(expected):
            for each in expected:
                yield from _wildcards(each)
        else:
            for rule in expected:
                if isinstance(rule, dict):
                    yield from _wildcards_of(rule)


def _wildcards_of(rule: dict[str, Any]) -> list[str]:
    excluded = rule.get("anything-but")
    source = excluded if isinstance(excluded, dict) else rule
    found: str | list[str] = source.get("wildcard", [])
    return found if isinstance(found, list) else [found]
