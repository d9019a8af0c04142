"""A state machine's definition, parsed once into typed states.

`parse` takes a definition that `validation.diagnose` found no error in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.states.language.choice import Rule, compile_rule
from scones.cloud.services.states.language.distribution import Distribution, parse_distribution
from scones.cloud.services.states.language.intrinsics import Expression, compile_expression
from scones.cloud.services.states.language.paths import Path, PathQuery, compile_path, compile_reference_path
from scones.cloud.services.states.language.queries import Condition, JsonataQuery, query_text
from scones.cloud.services.states.language.resources import Resource, read_resource
from scones.cloud.services.states.language.templates import Template, compile_jsonata, compile_template
from scones.cloud.services.states.language.text import read_json

Steps = tuple[str | int, ...]
_LANGUAGE = "(the machine's query language)"
"""Where parsing keeps the machine's language beside a state's fields; no field is named so."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """One entry of Retry; seconds."""

    errors: tuple[str, ...]
    interval: float
    attempts: int
    backoff: float
    max_delay: float | None
    jitter: bool


@dataclass(frozen=True, slots=True)
class Catcher:
    """One entry of Catch; `result_steps` is None where ResultPath is null, which discards the error."""

    errors: tuple[str, ...]
    next: str
    result_steps: Steps | None
    assign: Template | None
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What all states have. `input_path` and `output_path` are None where the path is null: an empty object.

    In a `jsonata` state the paths are `$`, `parameters` are its Arguments, and `output` makes its output.
    """

    name: str
    next: str | None = None
    input_path: Path | PathQuery | None
    output_path: Path | PathQuery | None
    assign: Template | None = None
    jsonata: bool = False
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Producing(State):
    """A state that makes a result and puts it into its input; `result_steps` is None where it is discarded."""

    parameters: Template | None = None
    result_selector: Template | None = None
    result_steps: Steps | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(Producing):
    """Hands its input on, or `result` where it `has_result`."""

    result: Any
    has_result: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Working(Producing):
    """A state that may fail, be retried and be caught."""

    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Working):
    """Calls a resource; time-outs are seconds or a path to them."""

    target: Resource
    timeout: int | Path | JsonataQuery | None
    heartbeat: int | Path | JsonataQuery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(Working):
    """Runs its branches at the same time; the result is the list of their outputs."""

    branches: tuple[StateGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Working):
    """Runs its processor for every item; the result is the list of the outputs. 0 is as many at once as AWS allows."""

    processor: StateGroup
    items_path: Path | None
    items: Template | None
    item_selector: Template | None
    max_concurrency: int | Path | JsonataQuery
    distribution: Distribution | None = None
    """How it runs its processor as executions of their own; None where its mode is inline."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A rule of a Choice and where it leads."""

    rule: Rule | Condition
    next: str
    assign: Template | None
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(State):
    """Goes on where the first rule that holds says."""

    branches: tuple[Branch, ...]
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(State):
    """Waits for seconds or until a timestamp, given or at a path."""

    seconds: float | Path | JsonataQuery | None
    timestamp: str | Path | JsonataQuery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed(State):
    """Ends its branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(State):
    """Fails its branch; error and cause are given, computed or absent."""

    error: str | Expression | JsonataQuery | None
    cause: str | Expression | JsonataQuery | None


AnyState = Pass | Task | Parallel | Map | Choice | Wait | Succeed | Fail


@dataclass(frozen=True, slots=True)
class StateGroup:
    """States with an entry: a machine, a branch of a Parallel, the processor of a Map."""

    start_at: str
    states: dict[str, AnyState]


@dataclass(frozen=True, slots=True)
class Machine(StateGroup):
    """A whole state machine; `timeout` in seconds."""

    timeout: float | None


def parse(text: str) -> Machine:
    """Parse a valid definition."""
    document = read_json(text)
    group = _group(document, document.get("QueryLanguage", "JSONPath"))
    return Machine(group.start_at, group.states, document.get("TimeoutSeconds"))


def _group(document: dict[str, Any], language: str) -> StateGroup:
    states = {}
    for name, state in document["States"].items():
        # The machine's language reaches the states below a state, whatever that one's own is.
        spoken = {"QueryLanguage": language, **state, _LANGUAGE: language}
        states[name] = _PARSERS[state["Type"]](_common(name, spoken), spoken)
    return StateGroup(document["StartAt"], states)


def _common(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "next": state.get("Next"),
        "input_path": _path(state, "InputPath"),
        "output_path": _path(state, "OutputPath"),
        "assign": _template(state, "Assign", _speaks_jsonata(state)),
        "jsonata": _speaks_jsonata(state),
        "output": _template(state, "Output", _speaks_jsonata(state)),
    }


def _speaks_jsonata(state: dict[str, Any]) -> bool:
    return bool(state["QueryLanguage"] == "JSONata")


def _producing(state: dict[str, Any]) -> dict[str, Any]:
    if _speaks_jsonata(state):
        return {"parameters": _template(state, "Arguments", True)}
    return {
        "parameters": _template(state, "Parameters"),
        "result_selector": _template(state, "ResultSelector"),
        "result_steps": _steps(state),
    }


def _working(state: dict[str, Any]) -> dict[str, Any]:
    return {
        **_producing(state),
        "retry": tuple(_retrier(entry) for entry in state.get("Retry", ())),
        "catch": tuple(
            _catcher(f"Catch[{index}]", entry, _speaks_jsonata(state))
            for index, entry in enumerate(state.get("Catch", ()))
        ),
    }


def _retrier(entry: dict[str, Any]) -> Retrier:
    return Retrier(
        errors=tuple(entry["ErrorEquals"]),
        interval=entry.get("IntervalSeconds", 1),
        attempts=entry.get("MaxAttempts", 3),
        backoff=entry.get("BackoffRate", 2.0),
        max_delay=entry.get("MaxDelaySeconds"),
        jitter=entry.get("JitterStrategy", "NONE") == "FULL",
    )


def _catcher(place: str, entry: dict[str, Any], jsonata: bool) -> Catcher:
    assign, output = _template(entry, "Assign", jsonata, place), _template(entry, "Output", jsonata, place)
    return Catcher(tuple(entry["ErrorEquals"]), entry["Next"], _steps(entry), assign, output)


def _path(state: dict[str, Any], field: str) -> Path | PathQuery | None:
    text = state.get(field, "$")
    return None if text is None else compile_path(text)


def _steps(holder: dict[str, Any]) -> Steps | None:
    text = holder.get("ResultPath", "$")
    return None if text is None else compile_reference_path(text).steps


def _template(holder: dict[str, Any], field: str, jsonata: bool = False, place: str = "") -> Template | None:
    """Compile a field's template; `place` is where in its state the holder is, by which AWS names what fails."""
    if field not in holder:
        return None
    if not jsonata:
        return compile_template(holder[field])
    return compile_jsonata(holder[field], f"{place}/{field}" if place else field)


def _either(state: dict[str, Any], field: str) -> Any:
    """Return a field's value or its JSONata, or the compiled path of its `...Path` twin."""
    if f"{field}Path" in state:
        return compile_reference_path(state[f"{field}Path"])
    return _maybe_query(state, field)


def _maybe_query(state: dict[str, Any], field: str) -> Any:
    text = query_text(state.get(field)) if _speaks_jsonata(state) else None
    return state.get(field) if text is None else JsonataQuery(field, text)


def _expression(state: dict[str, Any], field: str) -> Any:
    if f"{field}Path" in state:
        return compile_expression(state[f"{field}Path"])
    return _maybe_query(state, field)


def _pass(common: dict[str, Any], state: dict[str, Any]) -> Pass:
    return Pass(**common, **_producing(state), result=state.get("Result"), has_result="Result" in state)


def _task(common: dict[str, Any], state: dict[str, Any]) -> Task:
    timeout, heartbeat = _either(state, "TimeoutSeconds"), _either(state, "HeartbeatSeconds")
    return Task(
        **common, **_working(state), target=read_resource(state["Resource"]), timeout=timeout, heartbeat=heartbeat
    )


def _parallel(common: dict[str, Any], state: dict[str, Any]) -> Parallel:
    return Parallel(
        **common, **_working(state), branches=tuple(_group(branch, state[_LANGUAGE]) for branch in state["Branches"])
    )


def _map(common: dict[str, Any], state: dict[str, Any]) -> Map:
    working = _working(state)
    selector = _template(state, "ItemSelector", _speaks_jsonata(state))
    if selector is None:  # the older name, from before ItemSelector
        selector, working["parameters"] = working["parameters"], None
    return Map(
        **common,
        **working,
        processor=_group(state.get("ItemProcessor") or state["Iterator"], state[_LANGUAGE]),
        items=_template(state, "Items", True),
        items_path=compile_reference_path(state["ItemsPath"]) if "ItemsPath" in state else None,
        item_selector=selector,
        max_concurrency=_either(state, "MaxConcurrency") or 0,
        distribution=parse_distribution(state, _speaks_jsonata(state)),
    )


def _choice(common: dict[str, Any], state: dict[str, Any]) -> Choice:
    jsonata = _speaks_jsonata(state)
    branches = tuple(_branch(index, rule, jsonata) for index, rule in enumerate(state["Choices"]))
    return Choice(**common, branches=branches, default=state.get("Default"))


def _branch(index: int, rule: dict[str, Any], jsonata: bool) -> Branch:
    place = f"Choices[{index}]"
    assign, output = _template(rule, "Assign", jsonata, place), _template(rule, "Output", jsonata, place)
    if not jsonata:
        return Branch(compile_rule(rule), rule["Next"], assign)
    text = query_text(rule["Condition"])
    condition = rule["Condition"] if text is None else JsonataQuery(f"{place}/Condition", text)
    return Branch(Condition(condition), rule["Next"], assign, output)


def _wait(common: dict[str, Any], state: dict[str, Any]) -> Wait:
    return Wait(**common, seconds=_either(state, "Seconds"), timestamp=_either(state, "Timestamp"))


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
