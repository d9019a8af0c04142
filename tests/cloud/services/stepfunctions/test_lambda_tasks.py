"""Task states that invoke real Lambda functions."""

from __future__ import annotations

import json

INVOKE = "arn:aws:states:::lambda:invoke"
ECHO = "def handler(event, context):\n    return event\n"
GATE = """
class ThresholdConfidenceNotMet(Exception):
    pass

def handler(event, context):
    if event["confidence"] < 0.93:
        raise ThresholdConfidenceNotMet(f"only {event['confidence']}")
    return {"passed": True}
"""


def invoke(arn: str, **fields: object) -> dict[str, object]:
    parameters = {"FunctionName": arn, "Payload.$": "$"}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, **fields}


def test_three_functions_in_sequence(machines, function):
    add = function("def handler(event, context):\n    return {'n': event['n'] + 1}\n")
    states = {
        "One": invoke(add, OutputPath="$.Payload", Next="Two"),
        "Two": invoke(add, OutputPath="$.Payload", Next="Three"),
        "Three": {"Type": "Task", "Resource": add, "End": True},
    }
    described = machines.run({"StartAt": "One", "States": states}, {"n": 1})
    assert (described["status"], json.loads(described.get("output", "null"))) == ("SUCCEEDED", {"n": 4})


def test_the_result_has_lambdas_metadata(machines, function):
    described = machines.run({"StartAt": "A", "States": {"A": invoke(function(ECHO), End=True)}}, {"a": "ü"})
    result = json.loads(described["output"])
    assert sorted(result) == ["ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]
    assert (result["ExecutedVersion"], result["Payload"], result["StatusCode"]) == ("$LATEST", {"a": "ü"}, 200)
    assert result["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_a_payload_that_is_a_json_string_arrives_parsed(machines, function):
    task = invoke(function(ECHO), End=True, OutputPath="$.Payload")
    task["Parameters"]["Payload.$"] = "$.text"  # type: ignore[index]
    described = machines.run({"StartAt": "A", "States": {"A": task}}, {"text": '{"x": [1]}'})
    assert json.loads(described["output"]) == {"x": [1]}


def test_the_error_is_the_name_of_the_exception(machines, function):
    described = machines.run({"StartAt": "A", "States": {"A": invoke(function(GATE), End=True)}}, {"confidence": 0.5})
    assert (described["status"], described["error"]) == ("FAILED", "ThresholdConfidenceNotMet")
    cause = json.loads(described["cause"])
    assert (cause["errorType"], cause["errorMessage"]) == ("ThresholdConfidenceNotMet", "only 0.5")
    assert "/var/task/main.py" in cause["stackTrace"][0]


def test_an_exception_is_caught_by_its_name(machines, function):
    catch = [{"ErrorEquals": ["ThresholdConfidenceNotMet"], "Next": "Gated", "ResultPath": "$.gate"}]
    states = {
        "A": {"Type": "Task", "Resource": function(GATE), "Catch": catch, "End": True},
        "Gated": {"Type": "Pass", "OutputPath": "$.gate.Error", "End": True},
    }
    described = machines.run({"StartAt": "A", "States": states}, {"confidence": 0.1})
    assert json.loads(described["output"]) == "ThresholdConfidenceNotMet"


def test_a_missing_function(machines):
    task = invoke("arn:aws:lambda:us-east-1:111122223333:function:never-made", End=True)
    described = machines.run({"StartAt": "A", "States": {"A": task}})
    assert (described["status"], described["error"]) == ("FAILED", "Lambda.ResourceNotFoundException")
    assert "Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException" in described["cause"]


def test_a_map_calls_a_function_for_every_item(machines, function):
    double = function("def handler(event, context):\n    return event * 2\n")
    task = {"Type": "Task", "Resource": double, "End": True}
    states = {"M": {"Type": "Map", "ItemProcessor": {"StartAt": "D", "States": {"D": task}}, "End": True}}
    described = machines.run({"StartAt": "M", "States": states}, list(range(30)))
    assert json.loads(described["output"]) == [2 * n for n in range(30)]
