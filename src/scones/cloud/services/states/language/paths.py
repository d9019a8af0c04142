"""JSONPath in the Amazon States Language: `$` is the input, `$$` the context object, `$name` a variable.

Paths that point at one value are walked here, because AWS's errors (Jayway's) name the step that is missing; those
with wildcards, slices and filters are evaluated by python-jsonpath (RFC 9535) and return a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scones.cloud.services.states.language.failures import EvaluationError

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]\s*?@()'",:]+(?:\(\))?)"""  # `$.list.length()` is a field of that name to AWS
    r"""|\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]"""
    r"""|\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]"""
    r"""|\[\s*(?P<index>-?\d+)\s*\]""",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$([^\W\d]\w*)(.*)", re.DOTALL)

MISSING: Any = object()
"""What `Path.find` returns where there is nothing."""


@dataclass(slots=True)
class Scope:
    """What expressions may refer to: the state's input, the context object, the variables; in JSONata the result."""

    input: Any
    context: Mapping[str, Any]
    variables: Mapping[str, Any]
    result: Any = MISSING
    error: Any = MISSING


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path; `steps` is None for one that may match several values."""

    text: str
    variable: str
    steps: tuple[str | int, ...] | None
    query: Any

    def evaluate(self, scope: Scope) -> Any:
        """Return the value, or a list for a path with wildcards; raise `EvaluationError` where there is none."""
        root = self._root(scope)
        if self.steps is None:
            return [match.value for match in self.query.finditer(root)]
        for position, step in enumerate(self.steps):
            root = _child(root, step)
            if root is MISSING:
                raise EvaluationError(f"Invalid path '{self.text}' : {self._missing(position)}")
        return root

    def find(self, scope: Scope) -> Any:
        """Return the value or `MISSING`."""
        try:
            return self.evaluate(scope)
        except EvaluationError:
            return MISSING

    def _root(self, scope: Scope) -> Any:
        if self.variable == "$":
            return scope.input
        if self.variable == "$$":
            return scope.context
        if self.variable not in scope.variables:
            raise EvaluationError(f"Variable '{self.variable}' referenced by '{self.text}' is not defined")
        return scope.variables[self.variable]

    def _missing(self, position: int) -> str:
        assert self.steps is not None
        leaf = position == len(self.steps) - 1
        where = "$" + "".join(_bracket(step) for step in self.steps[: position + 1])
        return f"No results for path: {where}" if leaf else f"Missing property in path {where}"


def _bracket(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f"['{step}']"


def _child(value: Any, step: str | int) -> Any:
    if isinstance(step, int):
        if isinstance(value, list) and -len(value) <= step < len(value):
            return value[step]
        return MISSING
    return value.get(step, MISSING) if isinstance(value, Mapping) else MISSING


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a path; raise ValueError where it is none."""
    if not text.startswith("$"):
        raise ValueError(f"A path starts with '$', and {text!r} does not.")
    variable, rest = "$", text[1:]
    if rest.startswith("$"):
        variable, rest = "$$", rest[1:]
    elif match := _VARIABLE.fullmatch(text):
        variable, rest = match[1], match[2]
    rest = _plain(rest)
    steps = _steps(rest)
    if steps is not None:
        return Path(text, variable, steps, None)
    import jsonpath  # loaded when the first machine needs it: most paths point at one value

    try:
        query = jsonpath.compile("$" + rest)
    except jsonpath.JSONPathError as error:
        raise ValueError(f"{text!r} is no JSONPath: {error}") from error
    return Path(text, variable, None, query)


_QUOTED = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", re.DOTALL)
_BARE_WORD = re.compile(r"([=!<>]=|[<>])\s*(?!(?:true|false|null)\b)([A-Za-z_][\w-]*)(?=\s*(?:\)|&&|\|\|))")


def _plain(rest: str) -> str:
    """Return a path without what AWS's parser (Jayway's) lets pass: `$.a.[0]`, and words without quotes in filters.

    Both are in definitions that AWS's samples deploy.
    """
    parts = _QUOTED.split(rest)
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"(?<!\.)\.\[", "[", _BARE_WORD.sub(r"\1'\2'", parts[index]))
    return "".join(parts)


def _steps(rest: str) -> tuple[str | int, ...] | None:
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            return None
        quoted = match["single"] if match["single"] is not None else match["double"]
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(re.sub(r"\\(['\\])", r"\1", quoted) if quoted is not None else match["name"])
        at = match.end()
    return tuple(steps)


def place(target: Any, steps: tuple[str | int, ...], value: Any) -> Any:
    """Return `target` with `value` put at a reference path (ResultPath), copying what it changes.

    Fields that are not there are made; a path through something that is no object or array fails with
    States.ResultPathMatchFailure.
    """
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if not isinstance(target, list) or not 0 <= step < len(target):
            raise EvaluationError(f"Unable to apply step [{step}] to input", "States.ResultPathMatchFailure")
        return [*target[:step], place(target[step], rest, value), *target[step + 1 :]]
    if not isinstance(target, dict):
        raise EvaluationError(f'Unable to apply step "{step}" to input', "States.ResultPathMatchFailure")
    return {**target, step: place(target.get(step, {}), rest, value)}
