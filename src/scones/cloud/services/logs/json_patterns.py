"""Filter patterns of JSON: `{ $.status = 404 && $.user.name = "a*" }`.

CloudWatch Logs User Guide, "Using filter patterns to match terms in JSON log events".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.services.logs.condition_parser import Condition, ConditionParser, Token, invalid_pattern
from scones.cloud.services.logs.pattern_values import comparison, text_of

_STEP = re.compile(r"\.?\['(?P<quoted>[^']*)'\]|\[(?P<index>\d+|\*)\]|\.(?P<name>[\w@:/-]+)")
_TRUTH = {"TRUE": True, "FALSE": False, "NULL": None}

Step = str | int | None
"""A member's name, an item's index, or None for all items."""


class JsonPattern:
    """A condition on the JSON object that a line contains."""

    def __init__(self, text: str) -> None:
        parser = _JsonConditions(text.strip()[1:-1])
        self._condition = parser.parse()
        self.selectors = tuple(dict.fromkeys(parser.selectors))

    async def matches(self, line: str, slices: TimeSlices) -> bool:  # noqa: ARG002 - one line is parsed at once
        """Return True if a line is a JSON object that meets the condition."""
        document = parsed(line)
        return document is not None and self._condition(document)

    def extracted(self, line: str) -> dict[str, str]:
        """Return the values of the pattern's selectors in a line."""
        document = parsed(line)
        return {each: value for each in self.selectors if (value := selected_text(document, each)) is not None}


class _JsonConditions(ConditionParser[Any]):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.selectors: list[str] = []

    def single(self) -> Condition[Any]:
        selector = self.next()
        if selector.quoted or not selector.text.startswith("$"):
            raise invalid_pattern()
        self.selectors.append(selector.text)
        steps = selector_steps(selector.text)
        if self.accept("NOT"):
            if not self.accept("EXISTS"):
                raise invalid_pattern()
            return lambda document: not any(True for _ in _values(document, steps))
        if self.accept("EXISTS"):
            return lambda document: any(True for _ in _values(document, steps))
        if self.accept("IS"):
            expected = _truth(self.next())
            return lambda document: any(value is expected for value in _values(document, steps))
        return self._comparison(steps)

    def _comparison(self, steps: tuple[Step, ...]) -> Condition[Any]:
        operation, expected = self.next(), self.next()
        if operation.text not in ("=", "!=", "<", "<=", ">", ">="):
            raise invalid_pattern()
        compared = comparison(operation.text, expected.text, quoted=expected.quoted)
        return lambda document: any(
            compared.holds_for(value) for value in _values(document, steps) if not isinstance(value, dict | list)
        )


def _truth(token: Token) -> bool | None:
    if token.quoted or token.text.upper() not in _TRUTH:
        raise invalid_pattern()
    return _TRUTH[token.text.upper()]


def parsed(line: str) -> Any:
    """Return the JSON document in a line, or None if there is none."""
    if not line.lstrip().startswith(("{", "[")):
        return None
    try:
        return orjson.loads(line)
    except ValueError:
        return None


def selected_text(document: Any, selector: str) -> str | None:
    """Return the first value that a selector such as `$.a.b[0]` names as text, or None."""
    value = next(_values(document, selector_steps(selector)), None)
    if value is None or isinstance(value, dict | list):
        return None
    return text_of(value)


def selector_steps(selector: str) -> tuple[Step, ...]:
    """Return the steps of a selector after the dollar sign; raises `ServiceError`."""
    steps: list[Step] = []
    at = 1
    while at < len(selector):
        found = _STEP.match(selector, at)
        if found is None:
            raise invalid_pattern()
        if (index := found["index"]) is not None:
            steps.append(None if index == "*" else int(index))
        else:
            steps.append(found["quoted"] if found["quoted"] is not None else found["name"])
        at = found.end()
    return tuple(steps)


def _values(document: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    """Yield the values that a selector names."""
    if not steps:
        yield document
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if isinstance(document, dict) and step in document:
            yield from _values(document[step], rest)
    elif isinstance(document, list):
        for item in document if step is None else document[step : step + 1]:
            yield from _values(item, rest)
