"""Limits of size and nesting: input, output and definitions that exceed a limit are refused or fail with an error."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.cloud.services.stepfunctions.asl.definition import parse
from scones.cloud.services.stepfunctions.asl.evaluators import JobOwner
from scones.cloud.services.stepfunctions.asl.text import MAX_DEPTH, too_deep
from scones.cloud.services.stepfunctions.asl.variable_references import variable_references
from scones.cloud.services.stepfunctions.evaluation.fair_queue import FairQueue
from scones.cloud.services.stepfunctions.validation.definition import diagnose
from support.state_workbench import INVOKE, interpret, single

KIB = 1024
LARGE = "x" * 200 * KIB


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 100_000])
def test_a_deeply_nested_input_or_definition_is_rejected(machines: Any, depth: int):
    nested = "[" * depth + "]" * depth
    machine = machines.create(single({"Type": "Pass"}))
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        machines.client.start_execution(stateMachineArn=machine, input=nested)
    definition = json.dumps(single({"Type": "Pass", "Result": 0})).replace('"Result": 0', f'"Result": {nested}')
    with pytest.raises(ClientError, match="TOO_DEEPLY_NESTED"):
        machines.create(definition)


def test_brackets_in_strings_do_not_count_as_nesting():
    assert not too_deep(json.dumps({"a": ["[" * 1000, '"' + "{" * 1000, "\\", "]" * 5], "b": [[]] * 1000}))
    assert too_deep(json.dumps("]" * 1000)[:-1] + '",' + "[" * (MAX_DEPTH + 1))


def test_an_output_that_nests_deeper_in_each_state_fails_the_execution():
    ends = {"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "C"}], "Default": "A"}
    wrap = {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "B"}
    run = interpret({"StartAt": "A", "States": {"A": wrap, "B": ends, "C": {"Type": "Succeed"}}})
    assert run.failure is not None
    assert (run.failure.error, len(run.events) < 5 * MAX_DEPTH) == ("States.Runtime", True)


TWICE = {"a.$": "$.large", "b.$": "$.large"}
JSONATA = {"QueryLanguage": "JSONata", "Type": "Pass"}
WIDE = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
WIDE_TOO = {"StartAt": "J", "States": {"J": {"Type": "Pass", "End": True}}}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": TWICE},
        {"Type": "Pass", "Parameters": TWICE, "OutputPath": "$.nothing"},
        {"Type": "Pass", "Assign": TWICE},
        {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", "Payload": TWICE}},
        {"Type": "Pass", "Parameters": {"a.$": "States.Format('{}{}', $.large, $.large)"}},
        {"Type": "Parallel", "Branches": [WIDE, WIDE_TOO], "ResultSelector": {"n": 1}},
        {"Type": "Map", "ItemsPath": "$.items", "ItemSelector": {"a.$": "$.large"}, "ItemProcessor": WIDE},
        JSONATA | {"Output": "{% $states.input.large & $states.input.large %}"},
        JSONATA | {"Output": ["{% $states.input.large %}", "{% $states.input.large %}"]},
        JSONATA | {"Assign": {"a": "{% [1..100000] %}"}},
    ],
)
def test_data_of_more_than_256_kib_fails_the_state(state: dict[str, Any]):
    run = interpret(single(state), {"large": LARGE, "items": [1, 2]})
    assert run.failure is not None
    assert run.failure.error in ("States.DataLimitExceeded", "States.IntrinsicFailure")


WIDE_CHARACTERS = "é" * 100 * KIB
"""A text of fewer than 256 Ki characters even twice, but of 200 KiB in UTF-8."""


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Assign": TWICE},
        {"Type": "Parallel", "Branches": [WIDE, WIDE_TOO], "ResultSelector": {"n": 1}},
        {"Type": "Map", "ItemsPath": "$.items", "ItemSelector": {"a.$": "$.large"}, "ItemProcessor": WIDE}
        | {"ResultSelector": {"n": 1}},
        {"Type": "Pass", "Parameters": TWICE, "OutputPath": "$.nothing"},
        JSONATA | {"Assign": {"a": "{% $states.input.large %}", "b": "{% $states.input.large %}"}},
    ],
)
def test_sizes_are_counted_in_bytes_of_utf_8(state: dict[str, Any]):
    run = interpret(single(state), {"large": WIDE_CHARACTERS, "items": [1, 2]})
    assert run.failure is not None
    assert run.failure.error == "States.DataLimitExceeded"


def test_a_result_that_is_too_large_can_be_caught():
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
    parallel = {"Type": "Parallel", "Branches": [WIDE, WIDE_TOO], "Catch": catch}
    run = interpret(single(parallel, B={"Type": "Pass", "End": True}), {"large": LARGE})
    assert run.output["Error"] == "States.DataLimitExceeded"


N = 200_000
HOSTILE = {
    "spaces": "$[" + " " * N,
    "quotes": "$['" + "\\'" * N,
    "open text": "$[?(@.a=='" + "\\'" * N + "\\",
    "steps": "$" + ".a" * N,
    "slices": "$" + "[:]" * N,
    "word": "$[?(@.a==" + "a" * N,
    "calls": "States.Array(" * N,
    "text of a call": "States.Format('" + "\\'" * N,
    "path in a call": "States.Array($['" + "\\'" * N,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_paths_are_read_in_linear_time(kind: str):
    for state in ({"InputPath": HOSTILE[kind]}, {"Parameters": {"a.$": HOSTILE[kind]}}):
        text = json.dumps(single({"Type": "Pass", **state}))
        begun = time.process_time()
        assert diagnose(text, "STANDARD")
        variable_references(text)
        assert time.process_time() - begun < 10  # seconds at most; quadratic time would take minutes


def test_a_definition_of_a_megabyte_is_checked_and_parsed_in_seconds():
    count = 20_000
    states: dict[str, Any] = {f"s{n}": {"Type": "Pass", "Next": f"s{n + 1}"} for n in range(count)}
    text = json.dumps({"StartAt": "s0", "States": states | {f"s{count}": {"Type": "Pass", "End": True}}})
    begun = time.process_time()
    assert diagnose(text, "STANDARD") == []
    assert len(parse(text).states) == count + 1
    assert time.process_time() - begun < 10


def test_machines_and_executions_take_turns():
    queue: FairQueue[str] = FairQueue(limit=2)
    for n in range(3):
        queue.put(JobOwner("busy", "one"), f"one {n}")
    queue.put(JobOwner("busy", "two"), "two")
    queue.put(JobOwner("other", "three"), "three")
    assert [queue.take() for _ in range(4)] == ["one 0", "three", "two", None]
    queue.done(JobOwner("busy", "one"))
    assert [queue.take(), queue.take()] == ["one 1", None]
    assert Counter(queue.drain()) == Counter({"one 2": 1})


HALF = '"\\ud800"'


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
@pytest.mark.parametrize(
    ("state", "value"),
    [
        ({"Type": "Pass", "Parameters": {"a.$": "$.a"}}, '{"a": "\\ud800"}'),
        ({"Type": "Pass"}, '{"a": "\\ud800"}'),
        ({"Type": "Pass", "Result": {"a": "\ud800"}}, "{}"),
        ({"Type": "Pass", "Parameters": {"a.$": "States.StringToJson($.t)"}}, json.dumps({"t": HALF})),
        (JSONATA | {"Output": {"a": "{% " + HALF + " %}"}}, "{}"),
        (JSONATA | {"Output": {"a": "\ud800"}}, "{}"),
    ],
)
def test_an_unpaired_surrogate_becomes_a_question_mark(cloud: Any, machines: Any, kind: str, state: Any, value: str):
    machine = machines.create(single(state), type=kind)
    if kind == "EXPRESS":
        client = cloud.client("stepfunctions", inject_host_prefix=False)
        ended = client.start_sync_execution(stateMachineArn=machine, input=value)
    else:
        ended = machines.wait(machines.client.start_execution(stateMachineArn=machine, input=value)["executionArn"])
    assert (ended["status"], ended.get("cause")) == ("SUCCEEDED", None)
    assert json.loads(ended["output"]) in ({"a": "?"}, {"a": "\ud800"})  # an input is passed on verbatim


@pytest.mark.parametrize(
    "definition",
    [
        {"StartAt": "A", "States": {"A": JSONATA | {"Type": "Fail", "Cause": "{% " + HALF + " %}"}}},
        {"StartAt": "A\ud800", "States": {"A\ud800": {"Type": "Fail", "Cause": "\ud800"}}},
    ],
)
def test_an_unpaired_surrogate_in_a_name_or_cause_becomes_a_question_mark(machines: Any, definition: dict[str, Any]):
    ended = machines.run(definition)
    assert (ended["status"], ended["cause"]) == ("FAILED", "?")


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_error_and_cause_of_a_fail_state_are_strings(language: str):
    state = {"Type": "Fail", "QueryLanguage": language, "Error": 5, "Cause": {}}
    found = diagnose(json.dumps({"StartAt": "A", "States": {"A": state}}), "STANDARD")
    assert [each.location for each in found] == ["/States/A/Error", "/States/A/Cause"]
