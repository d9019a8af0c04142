"""Resumption from a history that ends at any event: the output is the same, and no event is recorded twice."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import Any

import pytest

from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from support.state_workbench import FUNCTION, INVOKE, NOW, Run, fail, interpret, redrive, resume, single


def retry(error: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": [error], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 3}]


def task(parameters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, "End": True, **fields}


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


INNER = {
    "Type": "Parallel",
    "Branches": [
        chain(Left={"Type": "Pass", "Assign": {"w": "left"}, "Next": "Kept"}, Kept=task({"w.$": "$w", "of.$": "$"})),
        chain(Right={"Type": "Wait", "Seconds": 5, "Next": "Flaky"}, Flaky=task({"flaky": "B"}, Retry=retry("B"))),
    ],
    "End": True,
}
DEFINITION = chain(
    Set={"Type": "Pass", "Assign": {"v": 3}, "Next": "Call"},
    Call={
        "Type": "Task",
        "Resource": FUNCTION,
        "Parameters": {"flaky": "A"},
        "Retry": retry("A"),
        "ResultPath": "$.called",
        "Next": "Rest",
    },
    Rest={"Type": "Wait", "Seconds": 60, "Next": "Both"},
    Both={
        "Type": "Parallel",
        "Branches": [chain(In=task({"n": 1})), chain(Again=task({"flaky": "C"}))],
        "Retry": retry("C"),
        "ResultPath": "$.both",
        "Next": "Gate",
    },
    Gate={
        "Type": "Parallel",
        "Branches": [chain(Ask=task({"fail": "Closed"}))],
        "Catch": [{"ErrorEquals": ["Closed"], "ResultPath": "$.gate", "Next": "Query"}],
        "Next": "Query",
    },
    Query={
        "Type": "Parallel",
        "QueryLanguage": "JSONata",
        "Branches": [
            chain(Bad={"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $error('no') %}", "End": True})
        ],
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Output": "{% $states.input %}", "Next": "Run"}],
        "Next": "Run",
    },
    Run={
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": "{% 'arn:aws:states:us-east-1:111122223333:stateMachine:' & 'other' %}"},
        "Output": "{% $merge([$states.input, {'ran': $states.result}]) %}",
        "Next": "Pair",
    },
    Pair={
        "Type": "Parallel",
        "QueryLanguage": "JSONata",
        "Branches": [chain(Begin={"Type": "Pass", "Next": "Finish"}, Finish={"Type": "Pass", "End": True})],
        "Output": "{% $merge([$states.input, {'pair': $count($states.result)}]) %}",
        "Next": "Every",
    },
    Every={
        "Type": "Map",
        "QueryLanguage": "JSONata",
        "Items": "{% [$states.input.items, 4] %}",
        "ItemSelector": {"item": "{% $states.context.Map.Item.Value + 1 %}"},
        "ItemProcessor": chain(
            More={"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.item * 2 %}", "Next": "Done"},
            Done={"Type": "Succeed"},
        ),
        "Output": "{% $merge([$states.input, {'every': $sum($states.result)}]) %}",
        "Next": "Each",
    },
    Each={
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "v.$": "$v"},
        "MaxConcurrency": 2,
        "ItemProcessor": chain(One=task({"item.$": "$.item"}, Next="Two"), Two=INNER),
        "ResultPath": "$.each",
        "Next": "Some",
    },
    Some={
        "Type": "Map",
        "ItemsPath": "$.keys",
        "MaxConcurrency": 1,
        "ItemProcessor": chain(Maybe=task({"flaky.$": "$"})),
        "Retry": retry("D"),
        "ResultPath": "$.some",
        "Next": "None",
    },
    **{
        "None": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemProcessor": chain(Never=task({"fail": "Shut"})),
            "Catch": [{"ErrorEquals": ["Shut"], "ResultPath": "$.none", "Next": "Last"}],
            "Next": "Last",
        }
    },
    Last={"Type": "Pass", "Parameters": {"v.$": "$v", "all.$": "$"}, "End": True},
)
DEFINITION["States"]["Each"]["ItemProcessor"]["States"]["One"].pop("End")
INPUT = {"items": [1, 2, 3], "keys": ["sound", "D", "sound"]}


def worker(before: Run | None = None) -> Any:
    """Return a task function that fails twice for each flaky key, including the failures recorded in `before`."""
    ends = ("TaskFailed", "LambdaFunctionFailed")
    failures = Counter(event.details["error"] for event in (before.events if before else []) if event.type in ends)

    async def work(given: Any) -> Any:
        await asyncio.sleep(0)
        if "fail" in given:
            raise StateFailedError(given["fail"], "at night")
        key = given.get("flaky")
        if key in ("A", "B", "C", "D") and failures[key] < 2:
            failures[key] += 1
            raise StateFailedError(key, None)
        return {"done": given}

    return work


WHOLE = interpret(DEFINITION, INPUT, worker(), turns_per_wait=1)
BEGINNINGS = ("TaskScheduled", "TaskStarted", "LambdaFunctionScheduled", "LambdaFunctionStarted")


def chains(run: Run) -> dict[str, list[tuple[str, str | None]]]:
    """Return each chain's events, except MapIterationAborted and the events at the start of a task.

    A crash repeats the latter.
    """
    found = defaultdict(list)
    for event in run.events:
        if event.type not in BEGINNINGS and event.type != "MapIterationAborted":
            found[event.scope].append((event.type, event.state))
    return dict(found)


def test_the_complete_run_is_as_expected():
    assert WHOLE.failure is None
    assert WHOLE.output["v"] == 3
    assert WHOLE.output["all"]["gate"] == {"Error": "Closed", "Cause": "at night"}
    assert len(WHOLE.output["all"]["each"]) == len(WHOLE.output["all"]["some"]) == 3
    assert (WHOLE.output["all"]["pair"], WHOLE.output["all"]["every"]) == (1, 28)
    assert WHOLE.types.count("ParallelStateStarted") == 3 + 1 + 1 + 1 + 3


@pytest.mark.parametrize("cut_at", sorted({(0, 0), *WHOLE.written}), ids=lambda cut_at: str(cut_at[0]))
def test_a_run_interrupted_anywhere_gives_the_same_result(cut_at: tuple[int, int]):
    before = WHOLE.cut(*cut_at)
    run = resume(DEFINITION, INPUT, worker(before), before)
    assert run.failure is None
    assert run.output == WHOLE.output
    assert [event.id for event in run.events] == list(range(1, len(run.events) + 1))
    assert run.events[: len(before.events)] == before.events
    assert all(event.previous < event.id for event in run.events)
    assert chains(run) == chains(WHOLE)


def test_a_run_interrupted_repeatedly_gives_the_same_result():
    before = Run()
    for _ in range(10_000):
        run = resume(DEFINITION, INPUT, worker(before), before)
        if len(run.written) < 3:
            break
        before = run.cut(*run.written[2])
    assert run.output == WHOLE.output
    assert chains(run) == chains(WHOLE)


def test_a_wait_continues_until_its_original_end_after_a_crash():
    entered = next(event.id for event in WHOLE.events if event.type == "WaitStateEntered")
    before = WHOLE.cut(entered, 2)
    run = resume(DEFINITION, INPUT, worker(before), before)
    left = next(event for event in run.events if event.type == "WaitStateExited")
    assert left.at == WHOLE.events[entered - 1].at + 60


def test_a_waiting_retry_keeps_its_time_after_a_restart():
    failed = [event for event in WHOLE.events if event.type == "LambdaFunctionFailed"][1]
    before = WHOLE.cut(failed.id, 2)
    run = resume(DEFINITION, INPUT, worker(before), before)
    again = run.events[failed.id]
    assert again.type == "LambdaFunctionScheduled"
    assert (failed.at - NOW, again.at - failed.at) == (10, 20)


def test_a_branch_that_has_ended_is_not_run_again():
    branches = [
        chain(Quick=task({"n": 1})),
        chain(Slow={"Type": "Wait", "Seconds": 50, "Next": "Then"}, Then=task({"n": 2})),
    ]
    definition = single({"Type": "Parallel", "Branches": branches})
    whole = interpret(definition, {}, worker())
    waiting = next(event.id for event in whole.events if event.type == "TaskStateExited")
    run = resume(definition, {}, worker(), whole.cut(waiting, 0))
    assert run.output == whole.output
    assert [given for _, given in run.calls] == [{"n": 2}]
    assert run.chain() == whole.chain()


def test_a_redrive_runs_only_what_did_not_succeed():
    branches = [
        chain(Good=task({"n": 1})),
        chain(Rest={"Type": "Wait", "Seconds": 1, "Next": "Bad"}, Bad=task({"n": 2})),
    ]
    definition = chain(First=task({"n": 0}, Next="Both"), Both={"Type": "Parallel", "Branches": branches, "End": True})
    definition["States"]["First"].pop("End")
    failed = interpret(definition, {}, lambda given: given if given["n"] < 2 else fail("Down")(given))
    assert failed.failure is not None
    run = redrive(definition, {}, lambda given: given, failed)
    assert run.output == [{"n": 1}, {"n": 2}]
    assert [given for _, given in run.calls] == [{"n": 2}]
    assert run.types[len(failed.events) :] == [
        "ExecutionRedriven",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ParallelStateSucceeded",
        "ParallelStateExited",
    ]


def test_a_redrive_resets_the_retry_count():
    definition = single(task({"n": 1}, Retry=retry("Down")))
    failed = interpret(definition, {}, fail("Down"))
    assert len(failed.calls) == 4
    run = redrive(definition, {}, fail("Down"), failed)
    assert len(run.calls) == 4
