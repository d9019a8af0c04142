"""State types and the data flow through them, tested without a cloud."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from support.state_workbench import FUNCTION, INVOKE, fail, interpret, single

END = {"Type": "Pass", "End": True}


def test_pass_places_its_result_and_chains_its_events():
    run = interpret(single({"Type": "Pass", "Result": {"b": 1}, "ResultPath": "$.made.here"}), {"a": [1]})
    assert run.output == {"a": [1], "made": {"here": {"b": 1}}}
    assert run.chain() == [(1, 0, "PassStateEntered"), (2, 1, "PassStateExited")]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"InputPath": "$.x"}, {"y": [1, 2, 3]}),
        ({"InputPath": None}, {}),
        ({"OutputPath": None}, {}),
        ({"OutputPath": "$.x.y[1]"}, 2),
        ({"OutputPath": "$.x.y[-1]"}, 3),
        ({"ResultPath": None, "Result": 5}, {"x": {"y": [1, 2, 3]}, "the key": "v"}),
        ({"InputPath": "$['the key']"}, "v"),
        ({"InputPath": "$.x.y[0:2]"}, [1, 2]),
        ({"InputPath": "$..y"}, [[1, 2, 3]]),
        ({"InputPath": "$.x.y[?(@ > 1)]"}, [2, 3]),
        ({"InputPath": "$.x.y.[0]"}, 1),
        ({"InputPath": "$.[?(@ == v)]"}, ["v"]),
        ({"Parameters": {"a.$": "$.x.y", "b": {"c.$": "$$.State.Name"}, "d.$": "$"}, "OutputPath": "$.b"}, {"c": "A"}),
        ({"Parameters": {"id.$": "$$.Execution.Id"}}, {"id": "execution-arn"}),
        ({"Parameters": {"list": [{"v.$": "$.x.y[0]"}, "$.x"]}}, {"list": [{"v": 1}, "$.x"]}),
    ],
)
def test_paths_and_templates(state: dict[str, Any], expected: Any):
    value = {"x": {"y": [1, 2, 3]}, "the key": "v"}
    assert interpret(single({"Type": "Pass", **state}), value).output == expected


def test_an_input_is_passed_on_unchanged_and_results_are_compact():
    run = interpret(
        single({"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Parameters": {"x.$": "$"}, "End": True}), [1, 2]
    )
    assert [event["output"] for event in run.details("PassStateExited")] == ["[1, 2]", '{"x":[1,2]}']


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ({"InputPath": "$.no.such"}, "Invalid path '$.no.such' : Missing property in path $['no']"),
        ({"OutputPath": "$.a.b"}, "Invalid path '$.a.b' : No results for path: $['a']['b']"),
        (
            {"Parameters": {"p.$": "$.gone"}},
            "The JSONPath '$.gone' specified for the field 'p.$' could not be found in the input '{\"a\":{}}'",
        ),
        (
            {"Parameters": {"p.$": "$.a.length()"}},
            "The JSONPath '$.a.length()' specified for the field 'p.$' could not be found in the input '{\"a\":{}}'",
        ),
        (
            {"Type": "Wait", "TimestampPath": "$.gone"},
            "The TimestampPath parameter does not reference an input value: $.gone",
        ),
    ],
)
def test_missing_paths_are_fatal_runtime_errors(state: dict[str, Any], cause: str):
    run = interpret(single({"Type": "Pass", **state}), {"a": {}})
    assert run.failure is not None
    assert (run.failure.error, run.failure.fatal) == ("States.Runtime", True)
    prefix = "An error occurred while executing the state 'A' (entered at the event id #1). "
    assert run.failure.cause == prefix + cause


def test_assign_makes_variables_for_later_states_and_is_recorded():
    definition = single(
        {"Type": "Pass", "Assign": {"x.$": "$.n", "y": [1]}, "Next": "B"},
        B={"Type": "Pass", "Parameters": {"got.$": "$x", "first.$": "$y[0]"}, "End": True},
    )
    run = interpret(definition, {"n": 4})
    assert run.output == {"got": 4, "first": 1}
    assert run.details("PassStateExited")[0]["assignedVariables"] == {"x": "4", "y": "[1]"}


def test_succeed_and_fail():
    assert interpret({"StartAt": "S", "States": {"S": {"Type": "Succeed", "OutputPath": "$.a"}}}, {"a": 1}).output == 1
    run = interpret(
        single({"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('so {}', $.c)"}), {"e": "E", "c": 1}
    )
    assert run.failure is not None
    assert (run.failure.error, run.failure.cause) == ("E", "so 1")
    assert run.types == ["FailStateEntered"]
    run = interpret(single({"Type": "Fail", "CausePath": "$.none"}), {"e": "E"})
    assert run.failure is not None
    assert (run.failure.error, run.failure.cause) == (
        "States.Runtime",
        "An error occurred while executing the state 'A' (entered at the event id #1). The JSONPath '$.none' specified "
        "for the field 'CausePath' could not be found in the input '{\"e\":\"E\"}'",
    )


def test_a_long_loop_of_states_ends():
    definition = {
        "StartAt": "Add",
        "States": {
            "Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"},
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericEquals": 200, "Next": "Done"}],
                "Default": "Add",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    assert interpret(definition, {"n": 0}).output == {"n": 200}


def test_a_history_is_full_after_25000_events():
    definition = single(
        {"Type": "Pass", "Next": "B"},
        B={"Type": "Choice", "Choices": [{"Variable": "$", "IsPresent": False, "Next": "C"}], "Default": "A"},
        C=END,
    )
    run = interpret(definition)
    assert run.failure is not None
    assert "maximum number of history events (25000)" in str(run.failure.cause)
    assert len(run.events) == 24_999


@pytest.mark.parametrize(
    ("state", "value", "seconds"),
    [
        ({"Seconds": 90}, {}, 90),
        ({"SecondsPath": "$.n"}, {"n": 7}, 7),
        ({"SecondsPath": "$.n"}, {"n": 0}, 0),
        ({"Timestamp": "2001-09-09T01:46:50Z"}, {}, 10),
        ({"TimestampPath": "$.t"}, {"t": "2001-09-09T03:46:50.000+02:00"}, 10),
        ({"Timestamp": "1999-01-01T00:00:00Z"}, {}, 0),
    ],
)
def test_wait(state: dict[str, Any], value: Any, seconds: float):
    run = interpret(single({"Type": "Wait", **state}), value)
    assert run.failure is None
    assert run.seconds == seconds


def test_wait_names_what_it_cannot_wait_for():
    run = interpret(single({"Type": "Wait", "SecondsPath": "$.n"}), {"n": 1.5})
    assert run.failure is not None
    assert run.failure.cause is not None
    assert run.failure.cause.endswith("The SecondsPath parameter cannot be parsed as a long value: $.n == 1.5")


def test_a_function_by_its_arn():
    state = {
        "Type": "Task",
        "Resource": FUNCTION,
        "Parameters": {"v.$": "$.a"},
        "ResultSelector": {"r.$": "$.v"},
        "ResultPath": "$.out",
    }
    run = interpret(single(state), {"a": 2})
    assert run.output == {"a": 2, "out": {"r": 2}}
    assert run.calls == [(FUNCTION, {"v": 2})]
    assert run.types[1:4] == ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]
    assert run.details("LambdaFunctionScheduled") == [
        {"input": '{"v":2}', "inputDetails": {"truncated": False}, "resource": FUNCTION}
    ]


def test_an_integration_records_task_events():
    run = interpret(
        single({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}, "TimeoutSeconds": 9})
    )
    assert run.details("TaskScheduled") == [
        {
            "parameters": '{"FunctionName":"f"}',
            "region": "us-east-1",
            "resource": "invoke",
            "resourceType": "lambda",
            "timeoutInSeconds": 9,
        }
    ]
    assert run.types == ["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"]


def test_a_task_that_takes_too_long_times_out():

    async def forever() -> None:
        await asyncio.Event().wait()

    run = interpret(
        single({"Type": "Task", "Resource": INVOKE, "TimeoutSecondsPath": "$.t"}), {"t": 30}, lambda _: forever()
    )
    assert run.failure is not None
    assert (run.failure.error, run.seconds) == ("States.Timeout", 30)
    assert run.types[-1] == "TaskTimedOut"


def test_results_beyond_256_kib_fail():
    run = interpret(single({"Type": "Task", "Resource": INVOKE}), {}, lambda _: "ü" * 140_000)
    assert run.failure is not None
    assert run.failure.error == "States.DataLimitExceeded"
    run = interpret(single({"Type": "Pass", "Result": "x" * 263_000}))
    assert run.failure is not None
    assert run.failure.cause is not None
    assert run.failure.cause.startswith("The state/task 'A' returned a result with a size exceeding")


def test_retry_backs_off_and_counts_attempts_per_retrier():
    failures = iter(["Flaky", "Flaky", "Other", "Flaky"])

    def work(_: Any) -> Any:
        for error in failures:
            raise StateFailedError(error, None)
        return "done"

    retry = [
        {"ErrorEquals": ["Flaky"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3, "MaxDelaySeconds": 10},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1},
    ]
    run = interpret(single({"Type": "Task", "Resource": INVOKE, "Retry": retry}), {}, work)
    assert run.output == "done"
    assert run.seconds == 2 + 6 + 1 + 10  # MaxDelaySeconds cuts the third delay from 18 s to 10 s
    assert run.types.count("TaskScheduled") == 5


def test_jitter_shortens_delays():
    retry = [
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 1000,
            "BackoffRate": 1,
            "MaxAttempts": 20,
            "JitterStrategy": "FULL",
        }
    ]
    run = interpret(single({"Type": "Task", "Resource": INVOKE, "Retry": retry}), {}, fail("E"))
    assert 0 < run.seconds < 20_000
    assert len(run.calls) == 21


def test_retry_count_is_in_the_context_object():
    seen: list[Any] = []

    def work(given: Any) -> Any:
        seen.append(given["n"])
        if len(seen) < 3:
            raise StateFailedError("E", None)
        return None

    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1}]
    interpret(
        single({"Type": "Task", "Resource": INVOKE, "Parameters": {"n.$": "$$.State.RetryCount"}, "Retry": retry}),
        {},
        work,
    )
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("error", "names", "caught"),
    [
        ("MyError", ["MyError"], True),
        ("MyError", ["Other"], False),
        ("MyError", ["States.ALL"], True),
        ("MyError", ["States.TaskFailed"], True),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("States.Timeout", ["States.Timeout"], True),
    ],
)
def test_catch_by_name(error: str, names: list[str], caught: bool):
    catch = [{"ErrorEquals": names, "Next": "B", "ResultPath": "$.error"}]
    run = interpret(single({"Type": "Task", "Resource": INVOKE, "Catch": catch}, B=END), {"a": 1}, fail(error))
    if caught:
        assert run.output == {"a": 1, "error": {"Error": error, "Cause": "why"}}
        assert run.types[-4:] == ["TaskFailed", "TaskStateExited", "PassStateEntered", "PassStateExited"]
    else:
        assert run.failure is not None
        assert run.failure.error == error


def test_a_runtime_error_cannot_be_caught():
    catch = [{"ErrorEquals": ["States.Runtime"], "Next": "B"}, {"ErrorEquals": ["States.ALL"], "Next": "B"}]
    run = interpret(single({"Type": "Task", "Resource": INVOKE, "OutputPath": "$.gone", "Catch": catch}, B=END))
    assert run.failure is not None
    assert run.failure.error == "States.Runtime"


def test_an_intrinsic_failure_can_be_caught():
    catch = [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "B"}]
    state = {"Type": "Task", "Resource": INVOKE, "Parameters": {"x.$": "States.StringToJson($.s)"}, "Catch": catch}
    run = interpret(single(state, B=END), {"s": "{"})
    assert run.output["Error"] == "States.IntrinsicFailure"
    assert run.calls == []


def test_no_choice_matched():
    state = {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "B"}]}
    run = interpret(single(state, B=END), {"a": 2})
    assert run.failure is not None
    assert run.failure.error == "States.NoChoiceMatched"


def test_parallel_joins_its_branches_in_order():
    branches = [
        {"StartAt": name, "States": {name: {"Type": "Task", "Resource": INVOKE, "Parameters": name, "End": True}}}
        for name in "XYZ"
    ]
    run = interpret(single({"Type": "Parallel", "Branches": branches}), {}, lambda name: {"by": name})
    assert run.output == [{"by": "X"}, {"by": "Y"}, {"by": "Z"}]
    by_type = {event.type: event for event in run.events}
    assert by_type["ParallelStateExited"].previous == by_type["ParallelStateSucceeded"].previous


def test_parallel_fails_with_its_first_failure_and_stops_the_rest():
    branches = [
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 500, "Next": "V"}, "V": END}},
        {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken"}}},
    ]
    catch = [{"ErrorEquals": ["Broken"], "Next": "B"}]
    run = interpret(single({"Type": "Parallel", "Branches": branches, "Catch": catch}, B=END))
    assert run.output == {"Error": "Broken", "Cause": None}
    assert run.seconds == 0
    assert "PassStateEntered" in run.types
    assert run.types.count("WaitStateExited") == 0
    assert run.types.count("WaitStateAborted") == 1


def test_the_task_in_which_a_branch_fails_is_aborted():
    branch = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": INVOKE, "End": True}}}
    run = interpret(single({"Type": "Parallel", "Branches": [branch]}), {}, fail("Broken"))
    # As recorded on AWS: both events follow the task's failure.
    failed = next(event.id for event in run.events if event.type == "TaskFailed")
    assert run.chain()[-2:] == [(failed + 1, failed, "TaskStateAborted"), (failed + 2, failed, "ParallelStateFailed")]


def test_the_tasks_of_all_iterations_are_aborted_if_one_fails():
    async def work(index: int) -> int:
        if index == 0:
            await asyncio.sleep(0.1)  # until the other task has begun
            raise StateFailedError("Broken", "why")
        await asyncio.Event().wait()
        return index

    run = interpret(single(_map(MaxConcurrency=2)), [0, 1], work)
    failed = next(event.id for event in run.events if event.type == "TaskFailed")
    after = ["MapIterationFailed", "TaskStateAborted", "MapIterationAborted", "TaskStateAborted", "MapStateFailed"]
    assert run.chain()[-5:] == [(failed + 1 + index, failed, kind) for index, kind in enumerate(after)]


def _map(**fields: Any) -> dict[str, Any]:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Task", "Resource": INVOKE, "End": True}}}
    return {"Type": "Map", "ItemProcessor": inner, **fields}


def test_map_runs_its_processor_for_every_item():
    selector = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "k.$": "$.k"}
    run = interpret(single(_map(ItemsPath="$.items", ItemSelector=selector)), {"items": ["a", "b"], "k": 1})
    assert run.output == [{"i": 0, "v": "a", "k": 1}, {"i": 1, "v": "b", "k": 1}]


def test_map_one_at_a_time_chains_as_aws_does():
    run = interpret(single(_map(MaxConcurrency=1)), [1, 2])
    kinds = [(event.id, event.previous, event.type) for event in run.events if event.type.startswith("Map")]
    assert kinds == [
        (1, 0, "MapStateEntered"),
        (2, 1, "MapStateStarted"),
        (3, 2, "MapIterationStarted"),
        (9, 8, "MapIterationSucceeded"),
        (10, 8, "MapIterationStarted"),
        (16, 15, "MapIterationSucceeded"),
        (17, 16, "MapStateSucceeded"),
        (18, 16, "MapStateExited"),
    ]


def test_a_map_respects_its_max_concurrency():

    active, most = 0, 0

    async def work() -> None:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0)
        active -= 1

    interpret(
        single(_map(MaxConcurrencyPath="$.n", ItemsPath="$.items")),
        {"n": 3, "items": list(range(20))},
        lambda _: work(),
    )
    assert most == 3


def test_a_map_of_an_empty_array_and_of_a_value_that_is_not_an_array():
    assert interpret(single(_map()), []).output == []
    run = interpret(single(_map(ItemsPath="$.x")), {"x": {}})
    assert run.failure is not None
    assert 'Reference path "$.x" must point to array.' in str(run.failure.cause)


def test_variables_of_an_iteration_are_not_visible_outside():
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"x": 2}, "End": True}}}
    definition = single(
        {"Type": "Pass", "Assign": {"x": 1}, "Next": "M"},
        M={"Type": "Map", "ItemProcessor": inner, "Next": "B"},
        B={"Type": "Pass", "Parameters": {"x.$": "$x"}, "End": True},
    )
    assert interpret(definition, [1]).output == {"x": 1}


def test_a_failed_iteration_is_retried_with_the_complete_map():
    retry = [{"ErrorEquals": ["E"], "MaxAttempts": 1}]
    run = interpret(single(_map(Retry=retry)), [1], fail("E"))
    assert run.types.count("MapStateStarted") == 2
    assert run.types[-3:] == ["MapIterationFailed", "TaskStateAborted", "MapStateFailed"]
    assert json.loads(run.details("MapStateEntered")[0]["input"]) == [1]


def test_a_wait_of_more_than_2_to_the_31_seconds_fails():
    definition = single({"Type": "Wait", "TimestampPath": "$.until"})
    longest = "2069-09-27T05:00:47Z"  # 2^31 - 1 seconds after the start of the workbench's clock
    assert interpret(definition, {"until": longest}).seconds == 2**31 - 1
    run = interpret(definition, {"until": longest.replace("47Z", "48Z")})
    assert run.failure is not None
    assert (run.failure.error, run.seconds) == ("States.Runtime", 0)
    assert str(run.failure.cause).endswith(" Wait state delay is too long.")
