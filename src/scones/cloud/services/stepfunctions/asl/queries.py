"""JSONata in states: `{% … %}` strings, evaluated with `$states` and the variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scones.cloud.services.stepfunctions.asl.evaluators import MESSAGES, EvaluationJob, JobStoppedError
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.jsonata_references import UNKNOWN, compile_reference
from scones.cloud.services.stepfunctions.asl.missing import MISSING
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.asl.text import dumps

_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
_STATES = re.compile(r"\$states(?:\.(input|context|result|errorOutput)\b)?")
_STATES_PREFIX, _VARIABLES_PREFIX = "states.", "variables."
"""Prefixes of the names in a job's bindings: members of `$states`, and variables."""


@dataclass(frozen=True, slots=True)
class JsonataQuery:
    """An expression and the field that contains it, named as AWS does (`Output/error`)."""

    field: str
    text: str

    async def evaluate(self, scope: EvaluationScope) -> Any:
        """Return the expression's value; raise States.QueryEvaluationError if it fails or is undefined."""
        (value,) = await evaluate_all((self,), scope)
        return value

    async def typed(self, scope: EvaluationScope, kind: str) -> Any:
        """Return the value if it is of the JSON type `kind`; otherwise raise States.QueryEvaluationError."""
        value = await self.evaluate(scope)
        if json_type(value) != kind:
            raise self.failed(
                f"returned an unexpected result type. Expected '{kind}', but was '{json_type(value)}' "
                f"for value: {dumps(value)}"
            )
        return value

    async def whole(self, scope: EvaluationScope, least: int | None = None) -> int:
        """Return the value if it is an integer, of at least `least`; otherwise raise States.QueryEvaluationError.

        AWS's message for other numbers is not known.
        """
        value = await self.typed(scope, "number")
        if not isinstance(value, int) or (least is not None and value < least):
            expected = "an integer" if least is None else f"an integer of at least {least}"
            raise self.failed(f"returned {value}, but {expected} was expected")
        return value

    def failed(self, what: str) -> EvaluationError:
        """Return the error for this expression; `what` completes the message."""
        message = f"The JSONata expression '{self.text}' specified for the field '{self.field}' {what}"
        return EvaluationError(message, "States.QueryEvaluationError", self.field)


async def evaluate_all(queries: Sequence[JsonataQuery], scope: EvaluationScope) -> list[Any]:
    """Return the values of expressions; raise the error of the first that fails or is undefined.

    References are resolved in this process. Other expressions go to a worker process, in one job.
    """
    states = _states(scope)
    values = [_resolve_reference(query, states, scope.variables) for query in queries]
    missing = next((index for index, value in enumerate(values) if value is MISSING), len(queries))
    unresolved = [index for index, value in enumerate(values[:missing]) if value is UNKNOWN]
    if unresolved:
        results = await _evaluate_in_worker([queries[index] for index in unresolved], states, scope)
        for index, value in zip(unresolved, results, strict=True):
            values[index] = value
    if missing < len(queries):
        raise queries[missing].failed("returned nothing (undefined).")
    return values


def _resolve_reference(query: JsonataQuery, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    reference = compile_reference(query.text)
    return UNKNOWN if reference is None else reference.resolve(states, variables)


def _states(scope: EvaluationScope) -> dict[str, Any]:
    states = {"input": scope.input, "context": scope.context}
    more = {"result": scope.result, "errorOutput": scope.error}
    return states | {name: value for name, value in more.items() if value is not MISSING}


async def _evaluate_in_worker(
    queries: Sequence[JsonataQuery], states: Mapping[str, Any], scope: EvaluationScope
) -> list[Any]:
    texts = [query.text for query in queries]
    job = EvaluationJob("jsonata", {"expressions": texts, **_bindings(texts, states, scope.variables)})
    try:
        replies = await scope.perform(job)
    except JobStoppedError as stopped:
        query = queries[min(len(stopped.replies), len(queries) - 1)]
        raise query.failed(f"threw an error during evaluation: {MESSAGES[stopped.limit]}") from stopped
    last = replies[-1]
    if "failed" in last:
        raise queries[len(replies) - 1].failed(f"threw an error during evaluation{last['failed']}")
    if "undefined" in last:
        raise queries[len(replies) - 1].failed("returned nothing (undefined).")
    if "unsupported" in last:
        raise queries[len(replies) - 1].failed("returned an unsupported result type.")
    if "too_large" in last:
        raise scope.data_limit_failure()
    return [reply["value"] for reply in replies]


def _bindings(texts: Sequence[str], states: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that expressions may refer to, except those that no text names: values may be large."""
    named = frozenset[str]().union(*(_members(text) for text in texts))
    members = {f"{_STATES_PREFIX}{name}": value for name, value in states.items() if name in named}
    return members | {
        f"{_VARIABLES_PREFIX}{name}": value
        for name, value in variables.items()
        if any(f"${name}" in text for text in texts)
    }


def unpack_bindings(bindings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of expressions from a job's bindings; the members of `$states` are in `states`."""
    variables, states = (
        {name.removeprefix(prefix): value for name, value in bindings.items() if name.startswith(prefix)}
        for prefix in (_VARIABLES_PREFIX, _STATES_PREFIX)
    )
    return {**variables, "states": states}


@lru_cache(maxsize=4096)
def _members(text: str) -> frozenset[str]:
    """Return the members of `$states` that an expression may refer to: all if an occurrence names none."""
    found = _STATES.findall(text)
    return frozenset({"input", "context", "result", "errorOutput"} if "" in found else found)


@dataclass(frozen=True, slots=True)
class JsonataCondition:
    """A Choice rule's Condition: a boolean, or JSONata that gives one."""

    value: bool | JsonataQuery

    async def holds(self, scope: EvaluationScope) -> bool:
        """Return True if the condition holds; raise States.QueryEvaluationError if it is not a boolean."""
        if isinstance(self.value, bool):
            return self.value
        return bool(await self.value.typed(scope, "boolean"))


def query_text(value: Any) -> str | None:
    """Return the JSONata in a `{% … %}` string, or None for anything else."""
    match = _EXPRESSION.fullmatch(value) if isinstance(value, str) else None
    return match[1].strip() if match else None


def json_type(value: Any) -> str:
    """Return AWS's name for a value's JSON type."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "array")
