"""Statements of policies, with their positions in the policy's text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.iam.policy_conditions import Condition, conditions_of
from scones.cloud.services.iam.policy_text import Context, TextPattern, variables_of
from scones.cloud.wire.members import Members

_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy document and its name in results."""

    name: str
    document: str

    def statements(self) -> list[Statement]:
        """Return the policy's statements; the document must have been checked."""
        return [Statement.parse(self, begin, end) for begin, end in _statement_spans(self.document)]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of an identity policy."""

    effect: str
    actions: Sequence[str]
    excludes_actions: bool
    resources: Sequence[str]
    excludes_resources: bool
    conditions: Sequence[Condition]
    match: Members
    """The description of this statement in results."""

    @classmethod
    def parse(cls, source: PolicySource, begin: int, end: int) -> Statement:
        """Return the statement at these positions of a document."""
        given: dict[str, Any] = json.loads(source.document[begin:end])
        return cls(
            effect=given["Effect"],
            actions=_texts(given, "Action"),
            excludes_actions="NotAction" in given,
            resources=_texts(given, "Resource"),
            excludes_resources="NotResource" in given,
            conditions=list(conditions_of(given.get("Condition", {}))),
            match={
                "SourcePolicyId": source.name,
                "SourcePolicyType": "IAM Policy",  # as AWS answers, although it is not in the enumeration
                "StartPosition": _position(source.document, begin + 1),
                "EndPosition": _position(source.document, end),
            },
        )

    def covers(self, action: str, resource: str, context: Context) -> bool:
        """Return True if the statement is about an action on a resource; its conditions are not considered."""
        named = any(TextPattern(each.lower(), {}).matches(action.lower()) for each in self.actions)
        located = any(TextPattern(each, context).matches(resource) for each in self.resources)
        return named is not self.excludes_actions and located is not self.excludes_resources

    def context_keys(self) -> Iterator[str]:
        """Yield the context keys that the statement uses."""
        for condition in self.conditions:
            yield condition.key
            yield from condition.variables()
        for resource in self.resources:
            yield from variables_of(resource)


def _texts(statement: dict[str, Any], name: str) -> list[str]:
    found = statement.get(name, statement.get(f"Not{name}", []))
    return [found] if isinstance(found, str) else list(found)


def _statement_spans(document: str) -> Iterator[tuple[int, int]]:
    """Yield the positions at which the statements of a policy begin and end."""
    for name, begin, end in _members(document):
        if name == "Statement" and document[begin] == "{":
            yield begin, end
        elif name == "Statement":
            yield from _elements(document, begin)


def _members(document: str) -> Iterator[tuple[str, int, int]]:
    """Yield the name, the begin and the end of each member of a JSON object."""
    position = _skip(document, document.index("{") + 1)
    while document[position] == '"':
        name, position = _DECODER.raw_decode(document, position)
        begin = _skip(document, _skip(document, position) + 1)
        _, end = _DECODER.raw_decode(document, begin)
        yield name, begin, end
        position = _skip(document, end)
        if document[position] == ",":
            position = _skip(document, position + 1)


def _elements(document: str, begin: int) -> Iterator[tuple[int, int]]:
    """Yield the begin and the end of each element of a JSON array."""
    position = _skip(document, begin + 1)
    while document[position] != "]":
        _, end = _DECODER.raw_decode(document, position)
        yield position, end
        position = _skip(document, end)
        if document[position] == ",":
            position = _skip(document, position + 1)


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def _position(text: str, offset: int) -> Members:
    """Return the line and the column after a number of characters."""
    before = text[:offset]
    return {"Line": before.count("\n") + 1, "Column": offset - before.rfind("\n")}
