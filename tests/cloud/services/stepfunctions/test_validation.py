"""Diagnostics of definitions: codes, messages and locations as recorded on AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scones.cloud.services.stepfunctions.validation.definition import diagnose
from support.state_workbench import INVOKE


def found(states: dict[str, Any], start: str = "A", kind: str = "STANDARD") -> list[str]:
    return [str(each) for each in diagnose(json.dumps({"StartAt": start, "States": states}), kind)]


PASS = {"Type": "Pass", "End": True}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"A": PASS}, []),
        (
            {"A": {"Type": "Pass", "Next": "NOPE"}},
            [
                "MISSING_TRANSITION_TARGET: Missing 'Next' target: NOPE at /States/A/Next",
                "MISSING_END_STATE: Workflow has no terminal state at null",
            ],
        ),
        (
            {"A": PASS, "B": PASS},
            ['MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B'],
        ),
        (
            {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
            ["MISSING_END_STATE: Workflow has no terminal state at null"],
        ),
        ({"A": {"End": True}}, ["SCHEMA_VALIDATION_FAILED: These fields are required: [Type] at /States/A"]),
        (
            {"A": {**PASS, "Catch": []}},
            ["SCHEMA_VALIDATION_FAILED: Field 'Catch' is not supported at /States/A"],
        ),
        (
            {"A": {"Type": "Wait", "Timestamp": "2016-03-14 01:59:00Z", "End": True}},
            ["SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp"],
        ),
        (
            {"A": {**PASS, "Parameters": {"x.$": "no path"}}},
            [
                "SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid "
                "intrinsic function call at /States/A/Parameters"
            ],
        ),
        (
            {"A": {**PASS, "ResultPath": "$.a[*]"}},
            ["SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/ResultPath"],
        ),
        (
            {
                "A": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "B"}], "Default": "C"},
                "B": PASS,
            },
            ["MISSING_TRANSITION_TARGET: Missing 'Next' target: C at /States/A/Default"],
        ),
        (
            {"A": {"Type": "Parallel", "Branches": [{"StartAt": "X", "States": {"Y": PASS}}], "End": True}},
            [
                "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Branches[0]/StartAt",
                'MISSING_TRANSITION_TARGET: State "Y" is not reachable. at /States/A/Branches[0]/States/Y',
            ],
        ),
    ],
)
def test_definitions(states: dict[str, Any], expected: list[str]):
    assert found(states) == expected


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("  ", "SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object"),
        ("[]", "SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object"),
        ("nonsense", "INVALID_JSON_DESCRIPTION", "Unrecognized token 'nonsense'"),
        ('{"a": }', "INVALID_JSON_DESCRIPTION", "Unexpected character ('}' (code 125)): expected a valid value"),
        ("{a: 1}", "INVALID_JSON_DESCRIPTION", "Unexpected character ('a' (code 97)): was expecting double-quote"),
        ('{"a": tru}', "INVALID_JSON_DESCRIPTION", "Unrecognized token 'tru'"),
        ("{}", "SCHEMA_VALIDATION_FAILED", "These fields are required: [States, StartAt]"),
    ],
)
def test_invalid_definitions_are_rejected(text: str, code: str, message: str):
    (only,) = diagnose(text, "STANDARD")
    assert only.code == code
    assert only.message.startswith(message)


def test_express_machines_do_not_wait_for_tasks():
    task = {"Type": "Task", "Resource": INVOKE + ".waitForTaskToken", "End": True}
    assert found({"A": task}, kind="EXPRESS") == [
        "SCHEMA_VALIDATION_FAILED: Express state machine does not support '.waitForTaskToken' service integration "
        " at /States/A/Resource"
    ]
    assert found({"A": task}) == []


@pytest.mark.parametrize(
    ("assigned", "code", "message"),
    [
        ("states", "RESERVED_VARIABLE_NAME", "Cannot assign to reserved variable '$states'."),
        (
            "1a",
            "INVALID_VARIABLE_NAME",
            "Invalid variable name '1a': the variable name contains invalid characters.",
        ),
    ],
)
def test_names_of_variables_are_checked(assigned: str, code: str, message: str):
    definition = {"StartAt": "A", "States": {"A": {**PASS, "Assign": {assigned: 1}}}}
    (only,) = diagnose(json.dumps(definition), "STANDARD")
    assert (only.code, only.message) == (code, message)


def test_a_distributed_map_is_not_in_an_express_machine():
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    state = {**MAP, "ItemProcessor": {**PROCESSOR, "ProcessorConfig": config}}
    (only,) = diagnose(json.dumps({"StartAt": "A", "States": {"A": state}}), "EXPRESS")
    assert only.message == "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"


def test_a_machine_in_jsonata_has_no_jsonpath_states():
    definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {**PASS, "QueryLanguage": "JSONPath"}}}
    (only,) = diagnose(json.dumps(definition), "STANDARD")
    assert only.message == "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"


SCHEMA = "SCHEMA_VALIDATION_FAILED: "
FOREIGN = "The QueryLanguage is set to '{}', but field '{}' is only supported for the '{}' QueryLanguage at /States/A"
CHOICE = {"Type": "Choice", "Default": "B"}
RULE = {"Variable": "$.x", "IsNull": True, "Next": "B"}
TASK = {"Type": "Task", "Resource": INVOKE, "End": True}
MAP = {"Type": "Map", "End": True}
PROCESSOR = {"StartAt": "X", "States": {"X": PASS}}
ACTIVITY = "arn:aws:states:us-east-1:111122223333:activity:work"
ONLY_ONE = "This object should have only one of the following fields: [{}] at /States/A"
AT_MOST_ONE = "There should only be one of the following fields: [{}] at /States/A"
SELECTORS = "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({**PASS, "Output": 1}, [FOREIGN.format("JSONPath", "Output", "JSONata")]),
        ({**PASS, "QueryLanguage": "JSONata", "InputPath": "$"}, [FOREIGN.format("JSONata", "InputPath", "JSONPath")]),
        (
            {**PASS, "QueryLanguage": "jsonpath"},
            ["Value should be one of the following: [JSONPath, JSONata] at /States/A/QueryLanguage"],
        ),
        (
            {**MAP, "ItemProcessor": {**PROCESSOR, "QueryLanguage": "JSONata"}},
            ["Field 'QueryLanguage' is not supported at /States/A/ItemProcessor"],
        ),
        ({**PASS, "OutputPath": "x"}, ["Value must be a valid JSONPath. at /States/A/OutputPath"]),
        ({**PASS, "Next": "B"}, ["There should only be one of the following fields: [Next, End] at /States/A"]),
        ({"Type": "Wait", "Seconds": -1, "End": True}, ["Minimum value is 0 at /States/A/Seconds"]),
        ({"Type": "Wait", "Seconds": "1", "End": True}, ["Expected value of type Integer at /States/A/Seconds"]),
        ({**TASK, "TimeoutSeconds": 0}, ["Minimum value is 1 at /States/A/TimeoutSeconds"]),
        ({**TASK, "Retry": [{}]}, ["These fields are required: [ErrorEquals] at /States/A/Retry[0]"]),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]},
            ["Minimum value is 1.0 at /States/A/Retry[0]/BackoffRate"],
        ),
        (
            {**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "B", "Output": 1}]},
            [FOREIGN.format("JSONPath", "Output", "JSONata") + "/Catch[0]"],
        ),
        (
            {**CHOICE, "Choices": [{**RULE, "Variable": "x"}]},
            ["Value is not a Reference Path: Reference path didn't start with '$' at /States/A/Choices[0]/Variable"],
        ),
        (
            {**CHOICE, "Choices": [{"Variable": "$", "IsNull": True}]},
            ["These fields are required: [Next] at /States/A/Choices[0]"],
        ),
        ({**CHOICE, "Choices": []}, ["Value cannot be empty at /States/A/Choices"]),
        ({"Type": "Map", "End": True}, [ONLY_ONE.format("ItemProcessor, Iterator")]),
        ({"Type": "Pass"}, [ONLY_ONE.format("Next, End")]),
        (
            {"Type": "Wait", "Seconds": 1, "TimestampPath": "$", "End": True},
            [AT_MOST_ONE.format("SecondsPath, Seconds, TimestampPath, Timestamp")],
        ),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E", "States.ALL"], "IntervalSeconds": 0}]},
            ["States.ALL must appear alone and at end of list at /States/A/Retry[0]/ErrorEquals[1]"],
        ),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxDelaySeconds": 31_622_401, "JitterStrategy": "HALF"}]},
            [
                "Maximum value is 31622400 at /States/A/Retry[0]/MaxDelaySeconds",
                "Value should be one of the following: [NONE, FULL] at /States/A/Retry[0]/JitterStrategy",
            ],
        ),
        (
            {**TASK, "Resource": ACTIVITY, "Credentials": {"RoleArn": "r"}},
            ["The field 'Credentials' is not supported for activities at /States/A"],
        ),
        (
            {**CHOICE, "Choices": [{"Next": "B"}, {**RULE, "Or": []}]},
            [f"{SELECTORS} at /States/A/Choices[{index}]" for index in range(2)],
        ),
        (
            {**CHOICE, "Choices": [{**RULE, "IsString": True}]},
            [AT_MOST_ONE.format("IsNull, IsString") + "/Choices[0]"],
        ),
        (
            {**MAP, "ItemProcessor": {**PROCESSOR, "ProcessorConfig": {"ExecutionType": "STANDARD"}}},
            ["Field 'ExecutionType' is not supported at /States/A/ItemProcessor/ProcessorConfig"],
        ),
        (
            {**PASS, "QueryLanguage": "JSONata", "Output": "{% 1"},
            ["JSONata string must start with {% and end with %} at /States/A/Output"],
        ),
    ],
)
def test_the_fields_of_a_state(state: dict[str, Any], expected: list[str]):
    assert found({"A": state, "B": PASS})[: len(expected)] == [SCHEMA + each for each in expected]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$states.input[phone = 1].name ~> $map(function($p) { $p.number })", []),
        ("$x.(a & b)", []),
        ("phone", ["UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported."]),
        ("[a, $sum(a)]", ["UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'a' at the top level is not supported."]),
        ("$", ["UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$' at the top level is not supported."]),
        ("a[1,2)", ['INVALID_JSONATA_EXPRESSION: Expected "]", got ","']),
        ('{"a":}', ['INVALID_JSONATA_EXPRESSION: The symbol "}" cannot be used as a unary operator']),
    ],
)
def test_jsonata_expressions(query: str, expected: list[str]):
    state = {**PASS, "QueryLanguage": "JSONata", "Output": {"v": f"{{% {query} %}}"}}
    assert found({"A": state}) == [f"{each} at /States/A/Output/v" for each in expected]


def test_only_a_catcher_sees_an_errors_output():
    query = "{% $states.errorOutput %}"
    catch = {"ErrorEquals": ["States.ALL"], "Next": "B", "Output": query}
    task = {**TASK, "QueryLanguage": "JSONata", "Catch": [catch]}
    assert found({"A": task, "B": PASS}) == []
    (only,) = found({"A": {**task, "Output": query}, "B": PASS})
    assert only.startswith("UNSUPPORTED_JSONATA_EXPRESSION")


def test_a_state_that_any_state_names_counts_as_reached():
    """As on AWS (aws-cloudformation/cfn-lint, issue 4074)."""
    states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}
    assert found(states, start="Gone") == [
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: Gone at /StartAt",
        'MISSING_TRANSITION_TARGET: State "A" is not reachable. at /States/A',
    ]


@pytest.mark.parametrize(
    "definition",
    [
        {"StartAt": ["A"], "States": {"A": PASS}},
        {"StartAt": "A", "States": {"A": {"Type": ["Pass"]}}},
        {"StartAt": "A", "States": {"A": {**CHOICE, "Choices": ["a"]}, "B": PASS}},
        {"StartAt": "A", "States": {"A": {**TASK, "Retry": ["a"], "Credentials": "c"}}},
        {"StartAt": "A", "States": {"A": {**MAP, "ItemProcessor": {**PROCESSOR, "ProcessorConfig": "p"}}}},
        {"StartAt": "A", "States": {"A": {**PASS, "QueryLanguage": "JSONata", "Output": "{% /* %}"}}},
        "[" * 100_000,
    ],
)
def test_malformed_values_are_findings(definition: Any):
    text = definition if isinstance(definition, str) else json.dumps(definition)
    assert diagnose(text, "STANDARD")
