"""The states of a definition and the transitions between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scones.cloud.services.stepfunctions.validation.diagnostics import Diagnostic

_CODE = "MISSING_TRANSITION_TARGET"


class LocatedState(NamedTuple):
    """A state, its name (unique in the machine) and its location, such as `/States/A/Branches[0]/States/B`."""

    name: str
    state: dict[str, Any]
    location: str


def all_states(group: Mapping[str, Any], location: str = "") -> Iterator[LocatedState]:
    """Yield the states of a machine, a branch or a processor, each before the states below it."""
    for name, state in group["States"].items():
        where = f"{location}/States/{name}"
        yield LocatedState(name, state, where)
        yield from nested_states(state, where)


def nested_states(state: Mapping[str, Any], location: str = "") -> Iterator[LocatedState]:
    """Yield the states of a Parallel's branches or a Map's processor."""
    for index, branch in enumerate(state.get("Branches", ())):
        yield from all_states(branch, f"{location}/Branches[{index}]")
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield from all_states(state[field], f"{location}/{field}")


def transition_faults(start: Any, states: dict[str, Any], at: str) -> Iterator[Diagnostic]:
    """Yield missing targets, then a missing end or, if there is an end, unreachable states.

    Measured on AWS by third parties (floci-io/floci, pull request 2786; aws-cloudformation/cfn-lint, issue 4074): the
    message calls every target 'Next', including that of StartAt, and a state is reachable if any state names it.
    """
    named = [(start, f"{at}/StartAt")]
    for name, state in states.items():
        named += _targets(state, f"{at}/States/{name}")
    for target, where in named:
        if target not in states:
            yield Diagnostic(_CODE, f"Missing 'Next' target: {target}", where)
    if not any(state["Type"] in ("Succeed", "Fail") or state.get("End") is True for state in states.values()):
        yield Diagnostic("MISSING_END_STATE", "Workflow has no terminal state")
        return
    reached = {target for target, _ in named}
    for name in states:
        if name not in reached:
            yield Diagnostic(_CODE, f'State "{name}" is not reachable.', f"{at}/States/{name}")


def entries(holder: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Return the objects in a field that should be a list of objects; other items and types are ignored."""
    found = holder.get(field)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _targets(state: dict[str, Any], at: str) -> Iterator[tuple[str, str]]:
    if "Next" in state:
        yield state["Next"], f"{at}/Next"
    for field in ("Choices", "Catch"):
        for index, entry in enumerate(entries(state, field)):
            if "Next" in entry:
                yield entry["Next"], f"{at}/{field}[{index}]/Next"
    if "Default" in state:
        yield state["Default"], f"{at}/Default"
