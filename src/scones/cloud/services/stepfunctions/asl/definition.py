"""A state machine's definition, parsed once into typed states.

`parse` expects a definition in which `validation.diagnose` found no error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.stepfunctions.asl.choice import ChoiceRule, compile_rule
from scones.cloud.services.stepfunctions.asl.distribution import DistributedMapFields, parse_distribution
from scones.cloud.services.stepfunctions.asl.intrinsics import Expression, compile_expression
from scones.cloud.services.stepfunctions.asl.paths import Path, PathQuery, compile_path, compile_reference_path
from scones.cloud.services.stepfunctions.asl.queries import JsonataCondition, JsonataQuery, query_text
from scones.cloud.services.stepfunctions.asl.resources import Resource, read_resource
from scones.cloud.services.stepfunctions.asl.templates import Template, compile_jsonata, compile_template
from scones.cloud.services.stepfunctions.asl.text import read_json
from scones.cloud.wire.members import Members

Steps = tuple[str | int, ...]
_LANGUAGE = "(the machine's query language)"
"""Key under which parsing keeps the machine's query language among a state's fields; no field has this name."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """One entry of Retry; `interval` and `max_delay` are in seconds."""

    errors: tuple[str, ...]
    interval: float
    attempts: int
    backoff: float
    max_delay: float | None
    jitter: bool


@dataclass(frozen=True, slots=True)
class Catcher:
    """One entry of Catch; `result_steps` is None if ResultPath is null, which discards the error."""

    errors: tuple[str, ...]
    next: str
    result_steps: Steps | None
    assign: Template | None
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The fields of all states. A path is None if the field is null, which selects an empty object.

    In a JSONata state both paths are `$`, `parameters` holds Arguments, and `output` holds Output.
    """

    name: str
    next: str | None = None
    input_path: Path | PathQuery | None
    output_path: Path | PathQuery | None
    assign: Template | None = None
    jsonata: bool = False
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultState(State):
    """A state that puts a result into its input; `result_steps` is None if the result is discarded."""

    parameters: Template | None = None
    result_selector: Template | None = None
    result_steps: Steps | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(ResultState):
    """A Pass state: its result is `result` if `has_result` is true, otherwise its input."""

    result: Any
    has_result: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryableState(ResultState):
    """A state that may fail; it may have Retry and Catch."""

    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(RetryableState):
    """A Task state, which calls a resource; its time-outs are seconds, or a path or JSONata that gives seconds."""

    target: Resource
    timeout: int | Path | JsonataQuery | None
    heartbeat: int | Path | JsonataQuery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(RetryableState):
    """A Parallel state, which runs its branches concurrently; its result is the list of their outputs."""

    branches: tuple[StateGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(RetryableState):
    """A Map state, which runs its processor for every item; its result is the list of the outputs.

    A `max_concurrency` of 0 means as many concurrent iterations as AWS allows.
    """

    processor: StateGroup
    items_path: Path | None
    items: Template | None
    item_selector: Template | None
    max_concurrency: int | Path | JsonataQuery
    distribution: DistributedMapFields | None = None
    """Settings of a distributed Map, which runs its processor as child executions; None if the mode is inline."""


@dataclass(frozen=True, slots=True)
class ChoiceBranch:
    """A rule of a Choice and the state that follows if it holds."""

    rule: ChoiceRule | JsonataCondition
    next: str
    assign: Template | None
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(State):
    """A Choice state, which continues with the state of the first rule that holds, or with `default`."""

    branches: tuple[ChoiceBranch, ...]
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(State):
    """A Wait state, which waits for `seconds` or until `timestamp`; one is set, as a constant, a path or JSONata."""

    seconds: float | Path | JsonataQuery | None
    timestamp: str | Path | JsonataQuery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed(State):
    """A Succeed state, which ends its chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(State):
    """A Fail state, which fails its chain; `error` and `cause` are each a constant, computed or absent."""

    error: str | Expression | JsonataQuery | None
    cause: str | Expression | JsonataQuery | None


AnyState = Pass | Task | Parallel | Map | Choice | Wait | Succeed | Fail


@dataclass(frozen=True, slots=True)
class StateGroup:
    """States and the name of the first one: a machine, a branch of a Parallel or the processor of a Map."""

    start_at: str
    states: dict[str, AnyState]


@dataclass(frozen=True, slots=True)
class Definition(StateGroup):
    """A parsed state machine; `timeout` is in seconds."""

    timeout: float | None


def parse(text: str) -> Definition:
    """Parse a valid definition."""
    document = read_json(text)
    group = _group(document, document.get("QueryLanguage", "JSONPath"))
    return Definition(group.start_at, group.states, document.get("TimeoutSeconds"))


def _group(document: dict[str, Any], language: str) -> StateGroup:
    states = {}
    for name, state in document["States"].items():
        # States below a state inherit the query language of the machine, not of that state.
        spoken = {"QueryLanguage": language, **state, _LANGUAGE: language}
        states[name] = _PARSERS[state["Type"]](_common(name, spoken), spoken)
    return StateGroup(document["StartAt"], states)


def _common(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "next": state.get("Next"),
        "input_path": _path(state, "InputPath"),
        "output_path": _path(state, "OutputPath"),
        "assign": _template(state, "Assign", _uses_jsonata(state)),
        "jsonata": _uses_jsonata(state),
        "output": _template(state, "Output", _uses_jsonata(state)),
    }


def _uses_jsonata(state: dict[str, Any]) -> bool:
    return bool(state["QueryLanguage"] == "JSONata")


def _result_fields(state: dict[str, Any]) -> dict[str, Any]:
    if _uses_jsonata(state):
        return {"parameters": _template(state, "Arguments", True)}
    return {
        "parameters": _template(state, "Parameters"),
        "result_selector": _template(state, "ResultSelector"),
        "result_steps": _steps(state),
    }


def _retryable(state: dict[str, Any]) -> dict[str, Any]:
    return {
        **_result_fields(state),
        "retry": tuple(_retrier(entry) for entry in state.get("Retry", ())),
        "catch": tuple(
            _catcher(f"Catch[{index}]", entry, _uses_jsonata(state))
            for index, entry in enumerate(state.get("Catch", ()))
        ),
    }


def _retrier(entry: Members) -> Retrier:
    return Retrier(
        errors=tuple(entry["ErrorEquals"]),
        interval=entry.get("IntervalSeconds", 1),
        attempts=entry.get("MaxAttempts", 3),
        backoff=entry.get("BackoffRate", 2.0),
        max_delay=entry.get("MaxDelaySeconds"),
        jitter=entry.get("JitterStrategy", "NONE") == "FULL",
    )


def _catcher(location: str, entry: Members, jsonata: bool) -> Catcher:
    assign, output = _template(entry, "Assign", jsonata, location), _template(entry, "Output", jsonata, location)
    return Catcher(tuple(entry["ErrorEquals"]), entry["Next"], _steps(entry), assign, output)


def _path(state: dict[str, Any], field: str) -> Path | PathQuery | None:
    text = state.get(field, "$")
    return None if text is None else compile_path(text)


def _steps(holder: dict[str, Any]) -> Steps | None:
    text = holder.get("ResultPath", "$")
    return None if text is None else compile_reference_path(text).steps


def _template(holder: dict[str, Any], field: str, jsonata: bool = False, location: str = "") -> Template | None:
    """Compile a field's template; `location` is the location of `holder` in its state, which AWS's errors contain."""
    if field not in holder:
        return None
    if not jsonata:
        return compile_template(holder[field])
    return compile_jsonata(holder[field], f"{location}/{field}" if location else field)


def _value_or_path(state: dict[str, Any], field: str) -> Any:
    """Return a field's value, its JSONata, or the compiled path of the matching `...Path` field."""
    if f"{field}Path" in state:
        return compile_reference_path(state[f"{field}Path"])
    return _maybe_query(state, field)


def _maybe_query(state: dict[str, Any], field: str) -> Any:
    text = query_text(state.get(field)) if _uses_jsonata(state) else None
    return state.get(field) if text is None else JsonataQuery(field, text)


def _expression(state: dict[str, Any], field: str) -> Any:
    if f"{field}Path" in state:
        return compile_expression(state[f"{field}Path"])
    return _maybe_query(state, field)


def _pass(common: dict[str, Any], state: dict[str, Any]) -> Pass:
    return Pass(**common, **_result_fields(state), result=state.get("Result"), has_result="Result" in state)


def _task(common: dict[str, Any], state: dict[str, Any]) -> Task:
    timeout, heartbeat = _value_or_path(state, "TimeoutSeconds"), _value_or_path(state, "HeartbeatSeconds")
    return Task(
        **common, **_retryable(state), target=read_resource(state["Resource"]), timeout=timeout, heartbeat=heartbeat
    )


def _parallel(common: dict[str, Any], state: dict[str, Any]) -> Parallel:
    return Parallel(
        **common, **_retryable(state), branches=tuple(_group(branch, state[_LANGUAGE]) for branch in state["Branches"])
    )


def _map(common: dict[str, Any], state: dict[str, Any]) -> Map:
    working = _retryable(state)
    selector = _template(state, "ItemSelector", _uses_jsonata(state))
    if selector is None:  # Parameters is the older name of ItemSelector
        selector, working["parameters"] = working["parameters"], None
    return Map(
        **common,
        **working,
        processor=_group(state.get("ItemProcessor") or state["Iterator"], state[_LANGUAGE]),
        items=_template(state, "Items", True),
        items_path=compile_reference_path(state["ItemsPath"]) if "ItemsPath" in state else None,
        item_selector=selector,
        max_concurrency=_value_or_path(state, "MaxConcurrency") or 0,
        distribution=parse_distribution(state, _uses_jsonata(state)),
    )


def _choice(common: dict[str, Any], state: dict[str, Any]) -> Choice:
    jsonata = _uses_jsonata(state)
    branches = tuple(_branch(index, rule, jsonata) for index, rule in enumerate(state["Choices"]))
    return Choice(**common, branches=branches, default=state.get("Default"))


def _branch(index: int, rule: dict[str, Any], jsonata: bool) -> ChoiceBranch:
    location = f"Choices[{index}]"
    assign, output = _template(rule, "Assign", jsonata, location), _template(rule, "Output", jsonata, location)
    if not jsonata:
        return ChoiceBranch(compile_rule(rule), rule["Next"], assign)
    text = query_text(rule["Condition"])
    condition = rule["Condition"] if text is None else JsonataQuery(f"{location}/Condition", text)
    return ChoiceBranch(JsonataCondition(condition), rule["Next"], assign, output)


def _wait(common: dict[str, Any], state: dict[str, Any]) -> Wait:
    return Wait(**common, seconds=_value_or_path(state, "Seconds"), timestamp=_value_or_path(state, "Timestamp"))


def _succeed(common: dict[str, Any], _state: dict[str, Any]) -> Succeed:
    return Succeed(**common)


def _fail(common: dict[str, Any], state: dict[str, Any]) -> Fail:
    return Fail(**common, error=_expression(state, "Error"), cause=_expression(state, "Cause"))


_PARSERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], AnyState]] = {
    "Pass": _pass,
    "Task": _task,
    "Parallel": _parallel,
    "Map": _map,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
}
