"""States in JSONata, tested without a cloud."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from scones.cloud.services.stepfunctions.asl.jsonata_engine import compile_query, evaluate
from scones.cloud.services.stepfunctions.asl.variable_references import variable_references
from support.state_workbench import INVOKE, fail, interpret


def machine(state: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    if "Next" not in state and state["Type"] not in ("Succeed", "Fail", "Choice"):
        state = {**state, "End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state, **others}}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("{% $states.input.n + 1 %}", 5),
        (
            {"a": "{% $states.input.list[$ > 1] %}", "b": "plain", "c": [None, "{% true %}"]},
            {"a": [2, 3], "b": "plain", "c": [None, True]},
        ),
        ("{% $states.context.State.Name %}", "A"),
        ("{% $states.input.nothing %}", None),
        ("{% $count($states.input.nothing) & $count([1, 2]) & $count($states.input.missing) %}", "120"),
        ("{% $partition([1..5], 2) %}", [[1, 2], [3, 4], [5]]),
        ("{% $range(1, 9, 4) %}", [1, 5, 9]),
        ("{% $range(1, 9, 9) %}", 1),
        ("{% $parse('{\"x\": 1.5}').x %}", 1.5),
        ("{% $hash('input data', 'MD5') %}", "812f45842bc6d66ee14572ce20db8e86"),
        ("{% $random(7) = $random(7) %}", True),
        ("{% $length($uuid()) %}", 36),
        ("{% $sum($states.input.list) / 4 %}", 1.5),
        ("{% 5.5 % 2 %}", 1.5),
        ("{% $map($states.input.holes, function($v) { $v }) %}", [1, None]),
        ("{% $states.input.holes.{'v': $} %}", [{"v": 1}, {"v": None}]),
        ("{% [null in $states.input.holes, $states.input.holes = [1, null]] %}", [True, True]),
        ("{% [1 / 0, -1 / 0, 0 / 0] %}", ["Infinity", "-Infinity", "NaN"]),
        ("{% $formatNumber(34.555, '#0.00') & $formatNumber(2.5, '0') %}", "34.562"),
        ("{% [1..873782] ~> $count() %}", 873782),
    ],
)
def test_output(output: Any, expected: Any):
    run = interpret(
        machine({"Type": "Pass", "Output": output}), {"n": 4, "list": [1, 2, 3], "nothing": None, "holes": [1, None]}
    )
    assert run.failure is None
    assert run.output == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 !", 'Unknown operator: "!"'),
        ("/* nothing */", "Unexpected end of expression"),
        ("null.a", "The literal value null cannot be used as a step within a path expression"),
        ("%", "The object representing the 'parent' cannot be derived from this expression"),
        ("function($x)<n<s>:n>{1}", "Type parameters can only be applied to functions and arrays"),
    ],
)
def test_syntax_errors_have_the_messages_of_jsonata(text: str, what: str):
    with pytest.raises(ValueError, match=re.escape(what)):
        compile_query(text)


def test_an_expression_that_is_evaluated_again_uses_the_new_time():
    before = evaluate("$millis()", {})
    evaluate("'another'", {})
    time.sleep(0.01)
    assert evaluate("$millis()", {}) > before


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("$states.input.gone", "returned nothing (undefined)."),
        ("'a' + 1", "threw an error during evaluation. T2001: "),
        ("1 / 0 + 1", "threw an error during evaluation. D1001: "),
        ("$formatNumber(1, 'x')", "threw an error during evaluation. D3086: "),
        ("$substring('abc', '1')", 'threw an error during evaluation. T0410: Argument 2 of function "substring" does'),
        ("$round($parse('null'))", 'threw an error during evaluation. T0410: Argument 1 of function "round" does not'),
        ("$number(' 5')", 'threw an error during evaluation. D3030: Unable to cast value to a number: " 5"'),
        ("$string(1 / 0)", "threw an error during evaluation. D3001: "),
        ("$formatInteger(12, 'x')", "threw an error during evaluation. D3130: "),
        ("$formatBase(9, 37)", "threw an error during evaluation. D3100: "),
        ("$sort([1, 'a'])", "threw an error during evaluation. D3070: "),
        ("$power(10, 400)", "threw an error during evaluation. D3061: "),
        ("[1..873783] ~> $count()", "threw an error during evaluation: Expression evaluation memory limit exceeded: "),
        ("+".join("1" * 200), "threw an error during evaluation: Stack overflow error: "),
    ],
)
def test_evaluation_failures_name_the_expression_and_the_field(expression: str, what: str):
    run = interpret(machine({"Type": "Pass", "Output": {"x": "{% " + expression + " %}"}}))
    assert run.failure is not None
    assert run.failure.error == "States.QueryEvaluationError"
    assert f"The JSONata expression '{expression}' specified for the field 'Output/x' {what}" in str(run.failure.cause)
    (details,) = run.details("EvaluationFailed")
    assert (details["state"], details["location"]) == ("A", "Output/x")
    assert run.chain() == [(1, 0, "PassStateEntered"), (2, 0, "EvaluationFailed")]


def test_a_task_takes_arguments_and_sees_its_result():
    task = {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": {"n": "{% $states.input.n * 2 %}"},
        "Assign": {"doubled": "{% $states.result.n %}"},
        "Output": {"was": "{% $states.input.n %}"},
        "Next": "B",
    }
    last = {"Type": "Pass", "Output": "{% $string($doubled) & '/' & $string($states.input.was) %}", "End": True}
    assert interpret(machine(task, B=last), {"n": 3}).output == "6/3"


def test_a_catcher_sees_the_error():
    catch = [
        {
            "ErrorEquals": ["E"],
            "Next": "B",
            "Output": "{% $states.errorOutput.Cause %}",
            "Assign": {"e": "{% $states.errorOutput.Error %}"},
        }
    ]
    task = {"Type": "Task", "Resource": INVOKE, "Catch": catch}
    run = interpret(
        machine(task, B={"Type": "Pass", "Output": ["{% $e %}", "{% $states.input %}"], "End": True}), {}, fail("E")
    )
    assert run.output == ["E", "why"]


def test_choices_waits_maps_and_failures_compute_their_fields():
    states = {
        "Choices": [{"Condition": "{% $states.input.go %}", "Next": "W", "Output": {"items": [1, 2], "s": 5}}],
        "Type": "Choice",
        "Default": "F",
    }
    rest = {
        "W": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "Next": "M"},
        "M": {
            "Type": "Map",
            "Items": "{% $states.input.items %}",
            "ItemSelector": "{% $states.context.Map.Item.Value * 10 %}",
            "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}},
            "End": True,
        },
        "F": {"Type": "Fail", "Error": "{% 'No' & 'Go' %}", "Cause": "said so"},
    }
    run = interpret(machine(states, **rest), {"go": True})
    assert (run.output, run.seconds) == ([10, 20], 5)
    run = interpret(machine(states, **rest), {"go": False})
    assert run.failure is not None
    assert (run.failure.error, run.failure.cause) == ("NoGo", "said so")


def test_items_that_are_not_an_array_fail_the_map():
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    run = interpret(machine({"Type": "Map", "Items": "{% 'x' %}", "ItemProcessor": inner}))
    assert run.failure is not None
    assert "Expected 'array', but was 'string' for value: \"x\"" in str(run.failure.cause)
    assert run.types[-2:] == ["EvaluationFailed", "MapStateFailed"]


def test_a_single_state_may_use_jsonata():
    states = {
        "A": {"Type": "Pass", "Assign": {"v.$": "$.n"}, "Next": "B"},
        "B": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": "{% $v %}"}, "Next": "C"},
        "C": {"Type": "Pass", "Parameters": {"got.$": "$.v"}, "End": True},
    }
    assert interpret({"StartAt": "A", "States": states}, {"n": 8}).output == {"got": 8}


@pytest.mark.parametrize(
    ("query", "ending"),
    [
        ("'a' + 1", 'during evaluation. T2001: The left side of the "+" operator must evaluate to a number'),
        (
            "$sum(['a'])",
            'during evaluation. T0412: Argument 1 of function "sum" must be an array of "numbers"',
        ),
        ("$abs('a')", 'during evaluation. T0410: Argument 1 of function "abs" does not match function signature'),
        ("$number('x')", 'during evaluation. D3030: Unable to cast value to a number: "x"'),
        ("-'a'", 'during evaluation. D1002: Cannot negate a non-numeric value: "a"'),
        ("$eval('1+1')", "during evaluation. T1006: Attempted to invoke a non-function"),
        ("($f := function($n) { 1 + $f($n) }; $f(1))", "during evaluation: Stack overflow error: Check for"),
    ],
)
def test_a_failed_expression_is_explained_with_the_message_of_jsonata(query: str, ending: str):
    """The messages were measured on AWS (floci-io/floci, issues 2668, 2736 and 2737)."""
    run = interpret(machine({"Type": "Pass", "Output": {"r": f"{{% {query} %}}"}}))
    assert run.failure is not None
    assert run.failure.error == "States.QueryEvaluationError"
    assert f"specified for the field 'Output/r' threw an error {ending}" in str(run.failure.cause)


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Wait", "Seconds": "{% -1 %}"},
        {"Type": "Wait", "Seconds": "{% 1.5 %}"},
        {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "f"}, "TimeoutSeconds": "{% 0 %}"},
    ],
)
def test_seconds_are_whole_and_not_negative(state: dict[str, Any]):
    run = interpret(machine(state))
    assert run.failure is not None
    assert run.failure.error == "States.QueryEvaluationError"


@pytest.mark.parametrize(("number", "cause"), [("-1", "MaxConcurrency cannot be negative"), ("2.7", "returned 2.7")])
def test_a_concurrency_is_a_nonnegative_integer(number: str, cause: str):
    processor = {"StartAt": "X", "States": {"X": {"Type": "Pass", "End": True}}}
    state = {"Type": "Map", "Items": [1], "MaxConcurrency": f"{{% {number} %}}", "ItemProcessor": processor}
    run = interpret(machine(state))
    assert run.failure is not None
    assert cause in str(run.failure.cause)


def test_a_variable_hides_the_function_of_its_name():
    first = {"Type": "Pass", "Assign": {"count": 2, "range": [1, 2]}, "Next": "B"}
    last = {"Type": "Pass", "Output": "{% [$count, $range] %}", "End": True}
    assert interpret(machine(first, B=last)).output == [2, 1, 2]


def test_functions_are_not_listed_as_variable_references():
    state = {"Type": "Pass", "Output": "{% $map($x, $sum) %}"}
    assert variable_references(json.dumps(machine(state))) == {"A": ["x"]}


def test_a_map_without_items_needs_an_array_as_its_input():
    processor = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    run = interpret(machine({"Type": "Map", "ItemProcessor": processor}), {"foo": "bar"})
    assert run.failure is not None
    assert run.failure.error == "States.QueryEvaluationError"
    cause = "An error occurred while executing the state 'A' (entered at the event id #1). "
    assert run.failure.cause == cause + 'Map state input must be an array but was: {"foo":"bar"}'
    assert run.chain()[1:] == [(2, 0, "EvaluationFailed"), (3, 2, "MapStateFailed")]
    assert "location" not in run.details("EvaluationFailed")[0]


def test_an_invalid_timestamp_fails_after_the_state_is_entered():
    run = interpret(machine({"Type": "Wait", "Timestamp": "{% $states.input %}"}), "2016-12-05 21:29:29Z")
    assert run.failure is not None
    assert (run.failure.error, run.failure.cause) == (
        "States.QueryEvaluationError",
        "An error occurred while executing the state 'A' (entered at the event id #1). The Timestamp field cannot be "
        "parsed as an ISO-8601 extended offset date-time format string: 2016-12-05 21:29:29Z",
    )
    assert run.chain()[1:] == [(2, 1, "EvaluationFailed")]
    assert run.details("EvaluationFailed")[0]["location"] == "Timestamp"


def test_a_function_is_an_unsupported_result():
    run = interpret(machine({"Type": "Pass", "Output": "{% $f := function($x){$x} %}"}), {})
    assert run.failure is not None
    assert run.failure.cause.endswith(
        "The JSONata expression '$f := function($x){$x}' specified for the field 'Output' returned an unsupported "
        "result type."
    )
