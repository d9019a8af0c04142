"""Going on from a history that ends anywhere: the output is the same, and no event is doubled."""

from __future__ import annotations

from typing import Any

import pytest
from state_workbench import FUNCTION, INVOKE, NOW, interpret, resume

from scones.cloud.services.states.failures import StateFailedError
from scones.cloud.services.states.history import Event

RETRY = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 3}]
BRANCHES = [
    {"StartAt": f"In{index}", "States": {f"In{index}": {"Type": "Task", "Resource": INVOKE, "End": True}}}
    for index in range(2)
]
DEFINITION = {
    "StartAt": "Set",
    "States": {
        "Set": {"Type": "Pass", "Assign": {"v": 3}, "Next": "Call"},
        "Call": {"Type": "Task", "Resource": FUNCTION, "Retry": RETRY, "ResultPath": "$.called", "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Both"},
        "Both": {"Type": "Parallel", "Branches": BRANCHES, "ResultPath": "$.both", "Next": "Gate"},
        "Gate": {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"fail": True},
            "Catch": [{"ErrorEquals": ["Closed"], "ResultPath": "$.gate", "Next": "Each"}],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Task", "Resource": INVOKE, "End": True}}},
            "ResultPath": "$.each",
            "Next": "Last",
        },
        "Last": {"Type": "Pass", "Parameters": {"v.$": "$v", "all.$": "$"}, "End": True},
    },
}
INPUT = {"items": [1, 2]}


def worker() -> Any:
    """Return work whose first two calls of the function fail."""
    failures = iter(["Flaky", "Flaky"])

    def work(given: Any) -> Any:
        if isinstance(given, dict) and given.get("fail"):
            raise StateFailedError("Closed", "at night")
        if isinstance(given, dict) and "called" not in given:
            for error in failures:
                raise StateFailedError(error, None)
        return {"done": True}

    return work


WHOLE = interpret(DEFINITION, INPUT, worker())


def cuts() -> list[int]:
    """Return the lengths at which a history may end: leaving a state and entering the next are written together."""
    events = WHOLE.events
    return [
        length
        for length in range(len(events) + 1)
        if length in (0, len(events))
        or not (events[length - 1].type.endswith("Exited") and events[length - 1].scope == "")
    ]


def test_the_whole_run_is_as_expected():
    assert WHOLE.failure is None
    assert WHOLE.output["v"] == 3
    assert WHOLE.output["all"]["gate"] == {"Error": "Closed", "Cause": "at night"}
    assert WHOLE.seconds == 10 + 20 + 60


@pytest.mark.parametrize("length", cuts())
def test_a_run_cut_anywhere_ends_as_it_would_have(length: int):
    before = WHOLE.events[:length]
    work = worker()
    for event in before:  # what had failed before the crash does not fail again
        if event.type == "LambdaFunctionFailed":
            with pytest.raises(StateFailedError):
                work({})
    run = resume(DEFINITION, INPUT, work, before)
    assert run.failure is None
    assert run.output == WHOLE.output
    assert [event.id for event in run.events] == list(range(1, len(run.events) + 1))
    assert run.events[:length] == before
    own = [event.type for event in run.events if event.scope == "" and event.type.endswith(("Entered", "Exited"))]
    assert own == [
        event.type for event in WHOLE.events if event.scope == "" and event.type.endswith(("Entered", "Exited"))
    ]


def test_a_wait_goes_on_by_the_clock_and_does_not_begin_again():
    entered = next(event.id for event in WHOLE.events if event.type == "WaitStateEntered")
    run = resume(DEFINITION, INPUT, worker(), WHOLE.events[:entered])
    left = next(event for event in run.events if event.type == "WaitStateExited")
    assert left.at == WHOLE.events[entered - 1].at + 60


def test_a_retry_that_was_waiting_keeps_its_moment():
    failed = [event for event in WHOLE.events if event.type == "LambdaFunctionFailed"][1]
    work = worker()
    for _ in range(2):
        with pytest.raises(StateFailedError):
            work({})
    run = resume(DEFINITION, INPUT, work, WHOLE.events[: failed.id])
    again = run.events[failed.id]
    assert again.type == "LambdaFunctionScheduled"
    assert (failed.at - NOW, again.at - failed.at) == (10, 20)


def test_a_result_that_was_recorded_is_not_asked_for_again():
    calls: list[Any] = []

    def work(given: Any) -> Any:
        calls.append(given)
        return worker()({**given, "called": 1} if isinstance(given, dict) else given)

    succeeded = next(event for event in WHOLE.events if event.type == "LambdaFunctionSucceeded")
    history: list[Event] = WHOLE.events[: succeeded.id]
    assert resume(DEFINITION, INPUT, work, history).output == WHOLE.output
    assert len(calls) == 2 + 1 + 2  # the branches, the gate and the items, but not the function
