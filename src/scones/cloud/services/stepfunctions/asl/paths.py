"""JSONPath in the Amazon States Language: `$` is the input, `$$` the context object, `$name` a variable.

This module evaluates paths that refer to one value, because AWS's errors (from Jayway JsonPath) name the missing step.
It also evaluates wildcards and slices, which take time in proportion to the input. The time of other queries (filters,
`..`, unions) is not bounded, so a worker process evaluates them with python-jsonpath (RFC 9535).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scones.cloud.services.stepfunctions.asl import engines
from scones.cloud.services.stepfunctions.asl.evaluators import (
    MESSAGES,
    EvaluationJob,
    Evaluators,
    JobOwner,
    JobStoppedError,
)
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError, StateFailedError, data_limit_exceeded
from scones.cloud.services.stepfunctions.asl.missing import MISSING
from scones.cloud.services.stepfunctions.asl.text import MAX_DEPTH

_INDEX = r"-?[0-9]{1,15}"
_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]\s*?@()'",:]+(?:\(\))?)"""  # AWS reads `$.list.length()` as a field named `length()`
    r"""|(?P<all>\.\*|\.?\[\s*+\*\s*+\])"""  # AWS's parser, Jayway, reads `$.a.[0]` as `$.a[0]`
    r"""|\.?\[\s*+(?:'(?P<single>(?:[^'\\]|\\.)*+)'|"(?P<double>(?:[^"\\]|\\.)*+)")\s*+\]"""
    rf"""|\.?\[\s*+(?:(?P<index>{_INDEX})\s*+\]|(?P<slice>(?:{_INDEX})?\s*+:\s*+(?:{_INDEX})?)\s*+\])""",
    re.DOTALL,
)
_MAX_STEPS = MAX_DEPTH
"""Maximum number of steps in a path; AWS's limit is not known."""
_VARIABLE = re.compile(r"\$([^\W\d]\w*)(.*)", re.DOTALL)


@dataclass(slots=True)
class EvaluationScope:
    """Values that expressions may refer to: input, context object, variables and, in JSONata, result and error."""

    input: Any
    context: Mapping[str, Any]
    variables: Mapping[str, Any]
    result: Any = MISSING
    error: Any = MISSING
    evaluators: Evaluators | None = None

    def root(self, variable: str, text: str) -> Any:
        """Return the value at which a path starts: the input (`$`), the context object (`$$`) or a variable.

        Raises `EvaluationError` if the variable is not defined; `text` is the path for the message.
        """
        if variable == "$":
            return self.input
        if variable == "$$":
            return self.context
        if variable not in self.variables:
            raise EvaluationError(f"Variable '{variable}' referenced by '{text}' is not defined")
        return self.variables[variable]

    def data_limit_failure(self) -> StateFailedError:
        """Return the state's failure for a value of more than 256 KiB."""
        return data_limit_exceeded(str(self.context.get("State", {}).get("Name", "")))

    async def perform(self, job: EvaluationJob) -> list[Any]:
        """Run a job in a worker process and return its replies; raise `JobStoppedError` if it exceeds a limit."""
        assert self.evaluators is not None
        return await self.evaluators.run(job, owner_of(self.context))


def owner_of(context: Mapping[str, Any]) -> JobOwner:
    """Return the owner of the jobs of an execution, from its context object."""
    machine, execution = (context.get(name, {}).get("Id", "") for name in ("StateMachine", "Execution"))
    return JobOwner(str(machine), str(execution))


@dataclass(frozen=True, slots=True)
class WildcardStep:
    """A step that matches all fields of an object or all items of an array."""

    def children(self, value: Any) -> Iterator[Any]:
        """Yield the values that the step matches in `value`."""
        if isinstance(value, Mapping):
            yield from value.values()
        elif isinstance(value, list):
            yield from value


@dataclass(frozen=True, slots=True)
class SliceStep:
    """A step that matches the items of an array from `start` (inclusive) to `stop` (exclusive)."""

    start: int | None
    stop: int | None

    def children(self, value: Any) -> Iterator[Any]:
        """Yield the values that the step matches in `value`."""
        if isinstance(value, list):
            yield from value[self.start : self.stop]


Step = str | int
AnyStep = Step | WildcardStep | SliceStep


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled reference path, which refers to one value."""

    text: str
    variable: str
    steps: tuple[Step, ...]

    def evaluate(self, scope: EvaluationScope) -> Any:
        """Return the value; raise `EvaluationError` if there is none."""
        root = scope.root(self.variable, self.text)
        for position, step in enumerate(self.steps):
            root = _child(root, step)
            if root is MISSING:
                raise EvaluationError(f"Invalid path '{self.text}' : {self._missing(position)}")
        return root

    def find(self, scope: EvaluationScope) -> Any:
        """Return the value or `MISSING`."""
        try:
            return self.evaluate(scope)
        except EvaluationError:
            return MISSING

    def _missing(self, position: int) -> str:
        leaf = position == len(self.steps) - 1
        where = "$" + "".join(_bracket(step) for step in self.steps[: position + 1])
        return f"No results for path: {where}" if leaf else f"Missing property in path {where}"


@dataclass(frozen=True, slots=True)
class PathQuery:
    """A path that may match several values; `steps` is None if a worker process has to evaluate `query`."""

    text: str
    variable: str
    query: str
    steps: tuple[AnyStep, ...] | None

    async def evaluate(self, scope: EvaluationScope) -> list[Any]:
        """Return the matching values; raise `EvaluationError` if the query fails."""
        root = scope.root(self.variable, self.text)
        if self.steps is not None:
            return _matches(root, self.steps)
        try:
            (reply,) = await scope.perform(EvaluationJob("jsonpath", {"query": self.query, "root": root}))
        except JobStoppedError as stopped:
            raise EvaluationError(f"The path '{self.text}' failed: {MESSAGES[stopped.limit]}") from stopped
        if "failed" in reply:
            raise EvaluationError(f"The path '{self.text}' failed: {reply['failed']}")
        if "too_large" in reply:
            raise scope.data_limit_failure()
        values: list[Any] = reply["value"]
        return values


def _matches(root: Any, steps: tuple[AnyStep, ...]) -> list[Any]:
    """Return the values that steps match; each step goes one level down and visits no value more than once."""
    values = [root]
    for step in steps:
        if isinstance(step, (WildcardStep, SliceStep)):
            values = [child for value in values for child in step.children(value)]
        else:
            values = [child for value in values if (child := _child(value, step)) is not MISSING]
    return values


def _bracket(step: Step) -> str:
    return f"[{step}]" if isinstance(step, int) else f"['{step}']"


def _child(value: Any, step: Step) -> Any:
    if isinstance(step, int):
        if isinstance(value, list) and -len(value) <= step < len(value):
            return value[step]
        return MISSING
    return value.get(step, MISSING) if isinstance(value, Mapping) else MISSING


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path | PathQuery:
    """Compile a path. Raises ValueError if it does not start with `$` or has too many steps.

    This does not parse queries that a worker process evaluates; `check_path` does.
    """
    if not text.startswith("$"):
        raise ValueError(f"A path must start with '$': {text!r}")
    variable, rest = "$", text[1:]
    if rest.startswith("$"):
        variable, rest = "$$", rest[1:]
    elif match := _VARIABLE.fullmatch(text):
        variable, rest = match[1], match[2]
    steps = _steps(rest)
    if steps is None:
        return PathQuery(text, variable, "$" + rest, None)
    single = tuple(step for step in steps if isinstance(step, (str, int)))
    return Path(text, variable, single) if len(single) == len(steps) else PathQuery(text, variable, "$" + rest, steps)


def compile_reference_path(text: str) -> Path:
    """Compile a path that refers to one value. Raises ValueError if it may match several."""
    path = compile_path(text)
    if not isinstance(path, Path):
        raise ValueError(f"{text!r} is not a reference path")
    return path


def check_path(path: Path | PathQuery) -> None:
    """Raise ValueError if a path's query does not parse, or `EngineNeededError` if this process cannot parse it."""
    if isinstance(path, PathQuery) and path.steps is None:
        engines.jsonpath().compile_query(path.query)


def _steps(rest: str) -> tuple[AnyStep, ...] | None:
    steps: list[AnyStep] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            return None
        quoted = match["single"] if match["single"] is not None else match["double"]
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["all"] is not None:
            steps.append(WildcardStep())
        elif match["slice"] is not None:
            ends = [int(end) if end.strip() else None for end in match["slice"].split(":")]
            steps.append(SliceStep(*ends))
        else:
            steps.append(re.sub(r"\\(['\\])", r"\1", quoted) if quoted is not None else match["name"])
        at = match.end()
    if len(steps) > _MAX_STEPS:
        raise ValueError(f"A path can have up to {_MAX_STEPS} steps; this one has {len(steps)}.")
    return tuple(steps)


def insert_at_path(target: Any, steps: tuple[str | int, ...], value: Any) -> Any:
    """Return `target` with `value` at a reference path (ResultPath); only the parts that change are copied.

    Missing fields are created. A path through a value that is not an object or array, or to an index that does not
    exist, raises `EvaluationError` with States.ResultPathMatchFailure.
    """
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if not isinstance(target, list) or not 0 <= step < len(target):
            raise EvaluationError(f"Unable to apply step [{step}] to input", "States.ResultPathMatchFailure")
        return [*target[:step], insert_at_path(target[step], rest, value), *target[step + 1 :]]
    if not isinstance(target, dict):
        raise EvaluationError(f'Unable to apply step "{step}" to input', "States.ResultPathMatchFailure")
    return {**target, step: insert_at_path(target.get(step, {}), rest, value)}
