"""Validation of transitions in a machine, a branch or a processor: targets, an end, and reachability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.validation.diagnostics import Diagnostic

_CODE = "MISSING_TRANSITION_TARGET"


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
