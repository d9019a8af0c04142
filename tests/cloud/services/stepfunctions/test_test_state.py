"""TestState: single states, run with real or mocked task results."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111122223333:role/states"
INVOKE = "arn:aws:states:::lambda:invoke"
MOCKED_ERROR = {"errorOutput": {"error": "Broken", "cause": "it broke"}}
BRANCH = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}

Try = Callable[..., dict[str, Any]]


@pytest.fixture
def try_state(cloud) -> Try:
    """A function that calls TestState; it takes Python values where the API takes JSON texts."""
    client = cloud.client("stepfunctions")

    def call(definition: Any, value: Any = None, **params: Any) -> dict[str, Any]:
        for name in ("context", "variables"):
            if name in params:
                params[name] = json.dumps(params[name])
        if "result" in params:
            params["mock"] = {"result": json.dumps(params.pop("result")), **params.get("mock", {})}
        answer = client.test_state(
            definition=json.dumps(definition), input=json.dumps({} if value is None else value), **params
        )
        del answer["ResponseMetadata"]
        return dict(answer)

    return call


def refused(try_state: Try, *args: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        try_state(*args, **params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", "Payload.$": "$"}, **fields}


def test_a_pass_shows_its_data_after_every_step(try_state):
    state = {
        "Type": "Pass",
        "InputPath": "$.order",
        "Parameters": {"total.$": "$.n"},
        "ResultPath": "$.sum",
        "OutputPath": "$.sum",
        "Next": "Elsewhere",
    }
    answer = try_state(state, {"order": {"n": 3}}, inspectionLevel="DEBUG")
    assert {name: json.loads(text) for name, text in answer.pop("inspectionData").items()} == {
        "input": {"order": {"n": 3}},
        "afterInputPath": {"n": 3},
        "afterParameters": {"total": 3},
        "afterResultSelector": {"total": 3},
        "afterResultPath": {"order": {"n": 3}, "sum": {"total": 3}},
    }
    assert answer == {"status": "SUCCEEDED", "output": '{"total":3}', "nextState": "Elsewhere"}


def test_info_shows_no_data(try_state):
    assert try_state({"Type": "Pass", "End": True}, {"a": 1}) == {"status": "SUCCEEDED", "output": '{"a": 1}'}


def test_a_fail_state_fails(try_state):
    answer = try_state({"Type": "Fail", "Error": "Broken", "Cause": "it broke"})
    assert answer == {"status": "FAILED", "error": "Broken", "cause": "it broke"}


def test_a_choice_reports_the_next_state(try_state):
    rule = {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Large"}
    choice = {"Type": "Choice", "Choices": [rule], "Default": "Small"}
    assert [try_state(choice, {"n": n})["nextState"] for n in (6, 5)] == ["Large", "Small"]


def test_a_choice_that_matches_nothing_fails(try_state):
    rule = {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Large"}
    answer = try_state({"Type": "Choice", "Choices": [rule]}, {"n": 1})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.NoChoiceMatched")


def test_a_wait_passes_its_input_on(try_state):
    answer = try_state({"Type": "Wait", "SecondsPath": "$.s", "Next": "B"}, {"s": 0}, inspectionLevel="TRACE")
    assert (answer["status"], json.loads(answer["output"]), answer["nextState"]) == ("SUCCEEDED", {"s": 0}, "B")
    assert sorted(answer["inspectionData"]) == ["afterInputPath", "input"]


def test_a_task_calls_its_function(try_state, function):
    arn = function("def handler(event, context):\n    return {'doubled': event['n'] * 2}\n")
    state = {"Type": "Task", "Resource": arn, "ResultPath": "$.r", "End": True}
    answer = try_state(state, {"n": 4}, roleArn=ROLE, inspectionLevel="DEBUG")
    assert json.loads(answer["output"]) == {"n": 4, "r": {"doubled": 8}}
    assert json.loads(answer["inspectionData"]["result"]) == {"doubled": 8}


def test_a_failed_task_is_not_retried(try_state, function):
    arn = function("def handler(event, context):\n    raise KeyError('lost')\n")
    retry = [{"ErrorEquals": ["ValueError"]}, {"ErrorEquals": ["KeyError"], "IntervalSeconds": 9}]
    state = {"Type": "Task", "Resource": arn, "Retry": retry, "End": True}
    answer = try_state(state, roleArn=ROLE, inspectionLevel="DEBUG")
    assert (answer["status"], answer["error"]) == ("RETRIABLE", "KeyError")
    assert answer["inspectionData"]["errorDetails"] == {"retryIndex": 1, "retryBackoffIntervalSeconds": 9}


@pytest.mark.parametrize(("used", "seconds"), [(0, 2), (2, 18), (3, 20)])
def test_the_backoff_grows_with_the_attempts_made(try_state, used, seconds):
    retrier = {"ErrorEquals": ["Broken"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 20}
    state = task(Retry=[{**retrier, "MaxAttempts": 9}], End=True)
    answer = try_state(
        state, mock=MOCKED_ERROR, stateConfiguration={"retrierRetryCount": used}, inspectionLevel="DEBUG"
    )
    assert answer["inspectionData"]["errorDetails"]["retryBackoffIntervalSeconds"] == seconds


def test_a_failure_is_caught_after_the_last_attempt(try_state):
    retry = [{"ErrorEquals": ["Broken"], "MaxAttempts": 1}]
    catch = [
        {"ErrorEquals": ["Other"], "Next": "No"},
        {"ErrorEquals": ["States.ALL"], "Next": "Yes", "ResultPath": "$.e"},
    ]
    answer = try_state(
        task(Retry=retry, Catch=catch, End=True),
        {"a": 1},
        mock=MOCKED_ERROR,
        stateConfiguration={"retrierRetryCount": 1},
        inspectionLevel="DEBUG",
    )
    assert (answer["status"], answer["error"], answer["nextState"]) == ("CAUGHT_ERROR", "Broken", "Yes")
    assert json.loads(answer["output"]) == {"a": 1, "e": {"Error": "Broken", "Cause": "it broke"}}
    assert answer["inspectionData"]["errorDetails"] == {"retryIndex": 0, "catchIndex": 1}


def test_a_mocked_result_is_processed_by_the_fields_of_the_state(try_state):
    state = task(ResultSelector={"word.$": "$.Payload"}, ResultPath="$.r", Next="B")
    answer = try_state(state, {"a": 1}, result={"Payload": "hello"}, inspectionLevel="DEBUG")
    assert json.loads(answer["output"]) == {"a": 1, "r": {"word": "hello"}}
    seen = answer["inspectionData"]
    assert json.loads(seen["afterParameters"]) == {"FunctionName": "f", "Payload": {"a": 1}}
    assert json.loads(seen["afterResultSelector"]) == {"word": "hello"}


def test_jsonata_shows_arguments_and_result(try_state):
    state = {
        "QueryLanguage": "JSONata",
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Arguments": {"QueueUrl": "u", "MessageBody": "{% $states.input.text %}"},
        "Output": "{% $states.result.MessageId %}",
        "End": True,
    }
    answer = try_state(state, {"text": "hi"}, result={"MessageId": "m1"}, inspectionLevel="DEBUG")
    assert answer["output"] == '"m1"'
    seen = {name: json.loads(text) for name, text in answer["inspectionData"].items()}
    arguments = {"QueueUrl": "u", "MessageBody": "hi"}
    assert seen == {"input": {"text": "hi"}, "afterArguments": arguments, "result": {"MessageId": "m1"}}


def test_testing_a_failing_jsonata_expression_returns_the_error(try_state):
    answer = try_state({"QueryLanguage": "JSONata", "Type": "Pass", "Output": "{% $states.input.no %}", "End": True})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_variables_are_seen_and_shown_after_they_are_assigned(try_state):
    state = {
        "Type": "Pass",
        "Parameters": {"old.$": "$count"},
        "Assign": {"count.$": "$$.Execution.Input.n"},
        "End": True,
    }
    answer = try_state(state, {"n": 2}, variables={"count": 1, "kept": True}, inspectionLevel="DEBUG")
    assert json.loads(answer["output"]) == {"old": 1}
    assert json.loads(answer["inspectionData"]["variables"]) == {"count": 2, "kept": True}


SERVICES = [
    ("aws-sdk:kms:encrypt", {"CiphertextBlob": ""}, "Field 'CiphertextBlob' is smaller than the minimum length"),
    ("aws-sdk:cloudwatchlogs:startQuery", {"queryId": 3, "QueryId": 3}, "Field 'QueryId' must be a string"),
    (
        "aws-sdk:lambda:getFunction",
        {"Concurrency": {"ReservedConcurrentExecutions": -1}},
        "Field 'ReservedConcurrentExecutions' is less than the minimum value",
    ),
    ("dynamodb:putItem", {"ConsumedCapacity": {"CapacityUnits": "1"}}, "Field 'CapacityUnits' must be a number"),
    ("dynamodb:getItem", {"Item": []}, "Field 'Item' must be an object"),
    ("dynamodb:getItem", {"Item": {"a": {"BOOL": "yes"}}}, "Field 'BOOL' must be a boolean"),
    ("events:putEvents", {"Entries": {}}, "Field 'Entries' must be an array"),
    ("sagemaker:createTrainingJob.sync", {}, "Required field 'TrainingJobName' is missing"),
    ("states:startExecution", {"StartDate": "now"}, "Required field 'ExecutionArn' is missing"),
]


_REQUIRED = {
    "aws-sdk:cloudwatchlogs:startQuery": ("StartTime", "EndTime", "QueryString"),
    "aws-sdk:lambda:getFunction": ("FunctionName",),
    "events:putEvents": ("Entries",),
    "sagemaker:createTrainingJob.sync": (
        *("TrainingJobName", "RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition"),
        "AlgorithmSpecification",
    ),
    "sqs:sendMessage.waitForTaskToken": ("QueueUrl", "MessageBody"),
    "states:startExecution": ("StateMachineArn",),
    "states:startExecution.sync:2": ("StateMachineArn",),
}


def integration(resource: str) -> dict[str, Any]:
    """Return a task that calls an integration with all required parameters."""
    parameters = dict.fromkeys(_REQUIRED.get(resource, ()), "x")
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}


@pytest.mark.parametrize(("resource", "result", "wrong"), SERVICES)
def test_a_mocked_result_has_the_form_of_the_services_response(try_state, resource, result, wrong):
    state = integration(resource)
    expected = ("ValidationException", f"Mock result schema validation error: {wrong}")
    assert refused(try_state, state, result=result) == expected
    assert try_state(state, result=result, mock={"fieldValidationMode": "NONE"})["status"] == "SUCCEEDED"


def test_present_does_not_check_required_members(try_state):
    state = integration("states:startExecution")
    answer = try_state(state, result={}, mock={"fieldValidationMode": "PRESENT"})
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "{}")


def test_an_execution_that_is_waited_for_returns_any_output(try_state):
    state = integration("states:startExecution.sync:2")
    reported = {
        "ExecutionArn": "e",
        "StateMachineArn": "m",
        "Status": "SUCCEEDED",
        "StartDate": "now",
        "Output": {"n": 1},
    }
    assert json.loads(try_state(state, result=reported)["output"]) == reported
    assert refused(try_state, state, result={**reported, "Status": 1})[0] == "ValidationException"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Task", "Resource": "arn:aws:states:us-east-1:111122223333:activity:work", "End": True},
        {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:work", "End": True},
        integration("sqs:sendMessage.waitForTaskToken"),
        {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True},
    ],
    ids=["activity", "function", "callback", "without parameters"],
)
def test_mocked_results_of_callbacks_and_functions_may_be_any_value(try_state, state):
    answer = try_state(state, result=[1, 2])
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "[1, 2]")


def test_a_mock_of_a_parallel_has_one_result_for_each_branch(try_state):
    state = {"Type": "Parallel", "Branches": [BRANCH], "ResultPath": "$.r", "End": True}
    answer = try_state(state, {"a": 1}, result=["x"], inspectionLevel="DEBUG")
    assert json.loads(answer["output"]) == {"a": 1, "r": ["x"]}
    assert sorted(answer["inspectionData"]) == ["afterResultPath", "afterResultSelector", "input"]
    assert refused(try_state, state, result=["x", "y"])[0] == "ValidationException"
    assert refused(try_state, state, result={})[1] == "Mocked result must be an array."


def items(**fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemsPath": "$.list", "ItemProcessor": BRANCH, "End": True, **fields}


def test_testing_a_map_shows_the_input_of_its_iterations(try_state):
    state = items(ItemSelector={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "k.$": "$.k"}, MaxConcurrency=2)
    answer = try_state(state, {"list": [7, 8], "k": "z"}, result=["a", "b"], inspectionLevel="DEBUG")
    seen = answer["inspectionData"]
    assert answer["output"] == '["a", "b"]'
    assert seen["afterItemsPath"] == "[7, 8]"
    assert json.loads(seen["afterItemSelector"]) == [{"i": 0, "v": 7, "k": "z"}, {"i": 1, "v": 8, "k": "z"}]
    assert seen["maxConcurrency"] == 2


@pytest.mark.parametrize(
    ("limit", "failed", "status"),
    [
        ({"ToleratedFailureCount": 1}, 1, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, 2, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, 2, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50}, 3, "FAILED"),
        ({"ToleratedFailureCountPath": "$.few"}, 1, "FAILED"),
    ],
)
def test_a_map_tolerates_the_given_number_of_failed_iterations(try_state, limit, failed, status):
    state = items(ItemProcessor=DISTRIBUTED, **limit)
    configured = {"mapIterationFailureCount": failed}
    answer = try_state(state, {"list": [1, 2, 3, 4], "few": 0}, result=[0, 0, 1, 1], stateConfiguration=configured)
    assert answer["status"] == status
    assert answer.get("error") == (None if status == "SUCCEEDED" else "States.ExceedToleratedFailureThreshold")


def reading(kind: str, **fields: Any) -> dict[str, Any]:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": kind, **fields},
        "Parameters": {"Bucket": "b", "Key.$": "$.key"},
    }
    state = items(ItemProcessor=DISTRIBUTED, ItemReader=reader, ItemSelector={"v.$": "$$.Map.Item.Value"})
    del state["ItemsPath"]
    return state


@pytest.mark.parametrize(
    ("state", "data", "items"),
    [
        (reading("JSON"), '["x", "y"]', ["x", "y"]),
        (reading("JSON", MaxItems=1), '["x", "y"]', ["x"]),
        (reading("JSONL"), '{"n": 1}\n{"n": 2}\n', [{"n": 1}, {"n": 2}]),
        (reading("CSV", CSVHeaderLocation="FIRST_ROW"), "n,m\n1,2\n", [{"m": "2", "n": "1"}]),
    ],
)
def test_a_distributed_map_is_tested_with_the_given_items_of_its_reader(try_state, state, data, items):
    answer = try_state(
        state, {"key": "k"}, result=[], stateConfiguration={"mapItemReaderData": data}, inspectionLevel="DEBUG"
    )
    assert json.loads(answer["inspectionData"]["afterItemSelector"]) == [{"v": item} for item in items]


def test_items_that_cannot_be_read_fail_the_map(try_state):
    configured = {"mapItemReaderData": '{"n": 1}'}
    answer = try_state(reading("JSON"), {"key": "k"}, result=[], stateConfiguration=configured)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.ItemReaderFailed")


def test_a_distributed_map_shows_its_batches(try_state):
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"k.$": "$.k"}}
    state = items(ItemProcessor=DISTRIBUTED, ItemBatcher=batcher)
    answer = try_state(state, {"list": [1, 2, 3], "k": "z"}, result=[], inspectionLevel="DEBUG")
    assert json.loads(answer["inspectionData"]["afterItemBatcher"]) == [
        {"BatchInput": {"k": "z"}, "Items": [1, 2]},
        {"BatchInput": {"k": "z"}, "Items": [3]},
    ]


def test_the_context_object_is_what_the_request_says(try_state):
    state = task(ResultSelector={"who.$": "$$.Execution.Name", "rest.$": "$$.State"}, End=True)
    context = {"Execution": {"Name": "mine"}, "State": {}}
    answer = try_state(state, context=context, result={"Payload": 1})
    assert json.loads(answer["output"]) == {"who": "mine", "rest": {}}


def test_a_task_that_waits_for_a_token_has_one(try_state):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"MessageBody.$": "$$.Task.Token", "QueueUrl": "q"},
        "End": True,
    }
    seen = try_state(state, result={}, inspectionLevel="DEBUG")["inspectionData"]
    assert json.loads(seen["afterParameters"])["MessageBody"]
    seen = try_state(state, result={}, context={"Task": {"Token": "t"}}, inspectionLevel="DEBUG")["inspectionData"]
    assert json.loads(seen["afterParameters"]) == {"MessageBody": "t", "QueueUrl": "q"}


@pytest.mark.parametrize(
    ("context", "wrong"),
    [
        ({"Execution": {"Name": 1}}, "Execution.Name must be a string"),
        ({"State": {"RetryCount": "1"}}, "State.RetryCount must be a number"),
        ({"State": []}, "State must be an object"),
        ({"Machine": {}}, "Field 'Machine' is not allowed"),
        ({"StateMachine": {"Arn": "a"}}, "Field 'Arn' is not allowed"),
        ({"Map": {}}, "'Map' field is not supported when mocking a Context object"),
    ],
)
def test_an_invalid_context_object_is_rejected(try_state, context, wrong):
    code, message = refused(try_state, task(End=True), context=context, result={})
    assert (code, message) == ("ValidationException", f"Invalid Context object provided: {wrong}")


MACHINE = {
    "QueryLanguage": "JSONata",
    "StartAt": "All",
    "States": {
        "All": {
            "Type": "Map",
            "Items": "{% $states.input %}",
            "ItemProcessor": {
                "StartAt": "Each",
                "States": {"Each": {"Type": "Pass", "Output": "{% $states.input + 1 %}", "End": True}},
            },
            "Next": "Done",
        },
        "Done": {"Type": "Succeed", "Output": "{% $sum($states.input) %}"},
    },
}


def test_a_state_of_a_machine_is_tested_by_its_name(try_state):
    assert try_state(MACHINE, [1, 2], stateName="Done")["output"] == "3"
    assert try_state(MACHINE, [1, 2], stateName="All", result=[2, 3])["nextState"] == "Done"
    assert try_state(MACHINE, 4, stateName="Each")["output"] == "5"
    assert refused(try_state, MACHINE, stateName="Nowhere")[0] == "ValidationException"


NOT_MOCKED = "when a mock is not specified"


@pytest.mark.parametrize(
    ("state", "params", "message"),
    [
        ({"Type": "Succeed"}, {"result": 1}, "State type 'Succeed' is not supported when a mock is specified"),
        (task(End=True), {}, "RoleArn must be specified when testing a Task state"),
        (
            items(),
            {"stateConfiguration": {"mapIterationFailureCount": 0}},
            f"TestState does not support MapIterationFailureCount {NOT_MOCKED}.",
        ),
        (task(End=True), {"mock": {"result": "no JSON"}}, "Mocked result must be valid JSON"),
        (items(), {"result": {}}, "Mocked result must be an array."),
        (items(ItemProcessor=DISTRIBUTED, ResultWriter=WRITER), {"result": []}, "Mocked result must be a JSON object."),
        (
            items(),
            {"result": [1, 1, 1], "stateConfiguration": {"mapIterationFailureCount": 4}},
            "Map iteration failure count must be less than or equal to the number of Map iterations",
        ),
        (task(End=True), {"context": {}, "roleArn": ROLE}, f"TestState does not support Context {NOT_MOCKED}."),
        (
            task(End=True),
            {"result": {}, "mock": MOCKED_ERROR},
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ),
        (task(End=True), {"mock": {"errorOutput": {}}}, "The field 'error' is required in the errorOutput of a mock."),
        (
            task(End=True),
            {"result": {}, "stateConfiguration": {"mapIterationFailureCount": 1}},
            "State type 'Task' is not supported when MapIterationFailureCount is specified",
        ),
        (
            items(),
            {"mock": MOCKED_ERROR, "stateConfiguration": {"errorCausedByState": "Outer"}},
            "State 'Outer' of ErrorCausedByState is not inside the state under test",
        ),
        (
            task(End=True),
            {"result": {}, "revealSecrets": True},
            "TestState does not support RevealSecrets when a mock is specified.",
        ),
    ],
)
def test_untestable_states_are_rejected(try_state, state, params, message):
    assert refused(try_state, state, **params) == ("ValidationException", message)


@pytest.mark.parametrize("definition", [{"Type": "Nap"}, {}, [], {"Type": "Parallel", "Branches": [], "End": True}])
def test_a_definition_that_is_not_a_state_is_rejected(try_state, definition):
    code, message = refused(try_state, definition)
    assert (code, message[:33]) == ("InvalidDefinition", "Invalid State Machine Definition:")


@pytest.mark.parametrize("state", [items(), {"Type": "Parallel", "Branches": [BRANCH], "End": True}])
def test_a_map_and_a_parallel_need_a_mock(try_state, state):
    assert refused(try_state, state) == (
        "InvalidDefinition",
        "TestState API does not support Map or Parallel states. "
        "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]",
    )


def test_an_unsupported_task_is_rejected_without_a_mock(try_state):
    state = {"Type": "Task", "Resource": "arn:aws:states:::apigateway:invoke", "End": True}
    code, message = refused(try_state, state, roleArn=ROLE)
    assert code == "InvalidDefinition"
    assert "apigateway:invoke" in message
