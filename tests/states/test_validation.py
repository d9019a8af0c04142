"""Diagnostics: codes, wording and locations as recorded on AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from state_workbench import INVOKE

from scones.cloud.services.states.validation import diagnose


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
                "MISSING_END_STATE: Workflow has no terminal state",
            ],
        ),
        (
            {"A": PASS, "B": PASS},
            ['MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B'],
        ),
        (
            {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
            ["MISSING_END_STATE: Workflow has no terminal state"],
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
            ["MISSING_TRANSITION_TARGET: Missing 'StartAt' target: X at /States/A/Branches[0]/StartAt"],
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
        ("{}", "SCHEMA_VALIDATION_FAILED", "These fields are required: [States, StartAt]"),
    ],
)
def test_what_is_no_definition(text: str, code: str, message: str):
    (only,) = diagnose(text, "STANDARD")
    assert only.code == code
    assert only.message.startswith(message)


def test_express_machines_wait_for_nobody():
    task = {"Type": "Task", "Resource": INVOKE + ".waitForTaskToken", "End": True}
    assert found({"A": task}, kind="EXPRESS") == [
        "SCHEMA_VALIDATION_FAILED: Express state machine does not support '.waitForTaskToken' service integration "
        " at /States/A/Resource"
    ]
    assert found({"A": task}) == []


def test_a_machine_in_jsonata_has_no_jsonpath_states():
    definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {**PASS, "QueryLanguage": "JSONPath"}}}
    (only,) = diagnose(json.dumps(definition), "STANDARD")
    assert only.message == "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
