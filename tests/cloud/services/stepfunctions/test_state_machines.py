"""Step Functions through boto3, against a running local cloud."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"x": 1}, "End": True}}}
WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}}}


def task(integration: str, **parameters: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{integration}", "Parameters": parameters, "End": True}
    return {"StartAt": "A", "States": {"A": state}}


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def message(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Message"])


def test_a_successful_execution_and_its_history(machines):
    machine = machines.create(PASS)
    execution = machines.start(machine, {"a": 1}, name="first")
    described = machines.wait(execution)
    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["output"]) == {"x": 1}
    assert described["input"] == '{"a": 1}'
    assert (described["name"], described["stateMachineArn"]) == ("first", machine)
    assert isinstance(described["stopDate"], datetime)
    events = machines.history(execution)
    assert [(event["id"], event["previousEventId"], event["type"]) for event in events] == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "PassStateEntered"),
        (3, 2, "PassStateExited"),
        (4, 3, "ExecutionSucceeded"),
    ]
    assert events[1]["stateEnteredEventDetails"] == {
        "name": "A",
        "input": '{"a": 1}',
        "inputDetails": {"truncated": False},
    }


def test_history_has_pages_an_order_and_can_leave_the_data_out(machines):
    execution = machines.start(machines.create(PASS))
    machines.wait(execution)
    ids = [event["id"] for event in machines.history(execution, PaginationConfig={"PageSize": 1})]
    assert ids == [1, 2, 3, 4]
    assert [event["id"] for event in machines.history(execution, reverseOrder=True)] == [4, 3, 2, 1]
    bare = machines.history(execution, includeExecutionData=False)
    assert "output" not in bare[2]["stateExitedEventDetails"]
    assert bare[2]["stateExitedEventDetails"]["name"] == "A"


def test_a_failed_execution_has_an_error_and_a_cause(machines):
    described = machines.run({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Gate", "Cause": "too low"}}})
    assert (described["status"], described["error"], described["cause"]) == ("FAILED", "Gate", "too low")
    assert described["redriveStatus"] == "REDRIVABLE"


def test_creating_twice_is_the_same_machine_and_another_definition_a_conflict(machines):
    name = f"twice-{uuid.uuid4().hex[:8]}"
    first, second = machines.create(PASS, name=name), machines.create(PASS, name=name)
    assert first == second
    with pytest.raises(ClientError) as caught:
        machines.create(WAIT, name=name)
    assert code(caught) == "StateMachineAlreadyExists"
    assert message(caught) == f"State Machine Already Exists: '{first}'"
    with pytest.raises(ClientError) as caught:
        machines.create(PASS, name=name, type="EXPRESS")
    assert code(caught) == "StateMachineAlreadyExists"


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("{", "INVALID_JSON_DESCRIPTION"),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}},
            "Missing 'Next' target: B at /States/A/Next",
        ),
        (
            task("dynamodb:getItem", TableName="t", Key={}),
            "The local cloud does not support the integration arn:aws:states:::dynamodb:getItem",
        ),
        (
            task("aws-sdk:sagemaker:addTags", ResourceArn="a", Tags=[{"key": "k"}]),
            'The field "key" is not supported by Step Functions at /States/A/Parameters',
        ),
        (task("aws-sdk:s3:getObject", Bucket="b"), "The field 'Key' is required but was missing at /States/A/Param"),
    ],
)
def test_an_invalid_definition_is_rejected(machines, definition: Any, expected: str):
    with pytest.raises(ClientError) as caught:
        machines.create(definition)
    assert code(caught) == "InvalidDefinition"
    assert message(caught).startswith("Invalid State Machine Definition: '")
    assert expected in message(caught)


def test_names_arns_and_inputs_are_checked(machines):
    client = machines.client
    for name in ("with space", "with*star", "a:b"):
        with pytest.raises(ClientError) as caught:
            machines.create(PASS, name=name)
        assert (code(caught), message(caught)) == ("InvalidName", f"Invalid Name: '{name}'")
    with pytest.raises(ClientError) as caught:
        client.describe_state_machine(stateMachineArn="nonsense")
    assert (code(caught), message(caught)) == ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: nonsense'")
    machine = machines.create(PASS)
    gone = machine + "-gone"
    with pytest.raises(ClientError) as caught:
        machines.start(gone)
    assert (code(caught), message(caught)) == (
        "StateMachineDoesNotExist",
        f"State Machine Does Not Exist: '{gone}'",
    )
    with pytest.raises(ClientError) as caught:
        client.start_execution(stateMachineArn=machine, input="no json")
    assert (code(caught), message(caught)) == (
        "InvalidExecutionInput",
        "Invalid State Machine Execution Input: 'Unrecognized token 'no': was expecting (JSON String, Number, Array, "
        "Object or token 'null', 'true' or 'false')'",
    )
    with pytest.raises(ClientError) as caught:
        client.start_execution(stateMachineArn=machine, input="")
    assert message(caught) == "Invalid State Machine Execution Input: 'Invalid execution input.'"
    with pytest.raises(ClientError) as caught:
        client.update_state_machine(stateMachineArn=machine, roleArn="my-role")
    assert (code(caught), message(caught)) == ("InvalidArn", "Invalid Role Arn: 'my-role'")
    with pytest.raises(ClientError) as caught:
        client.describe_execution(executionArn=machine.replace(":stateMachine:", ":execution:") + ":none")
    assert code(caught) == "ExecutionDoesNotExist"


def test_a_repeated_start_with_the_same_name_and_input_returns_the_same_execution(machines):
    client, machine = machines.client, machines.create(WAIT)
    first = client.start_execution(stateMachineArn=machine, name="once", input='{"a":1}')
    again = client.start_execution(stateMachineArn=machine, name="once", input='{"a":1}')
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    with pytest.raises(ClientError) as caught:
        client.start_execution(stateMachineArn=machine, name="once", input='{"a":2}')
    assert code(caught) == "ExecutionAlreadyExists"
    client.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(ClientError) as caught:
        client.start_execution(stateMachineArn=machine, name="once", input='{"a":1}')
    assert code(caught) == "ExecutionAlreadyExists"


def test_stopping_aborts(machines):
    execution = machines.start(machines.create(WAIT))
    stopped = machines.client.stop_execution(executionArn=execution, error="Enough", cause="closing time")
    described = machines.wait(execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Enough", "closing time")
    assert described["stopDate"] == stopped["stopDate"]
    last = machines.history(execution)[-1]
    assert last["type"] == "ExecutionAborted"
    assert last["executionAbortedEventDetails"] == {"error": "Enough", "cause": "closing time"}
    assert last["previousEventId"] == 0
    assert machines.client.stop_execution(executionArn=execution)["stopDate"] == stopped["stopDate"]


def test_a_machine_has_a_time_limit(machines):
    execution = machines.start(machines.create({**WAIT, "TimeoutSeconds": 1}))
    described = machines.wait(execution)
    assert described["status"] == "TIMED_OUT"
    assert {"error", "cause", "output"}.isdisjoint(described)
    last = machines.history(execution)[-1]
    assert (last["type"], last["previousEventId"]) == ("ExecutionTimedOut", 0)
    assert last["executionTimedOutEventDetails"] == {"error": "States.Timeout"}


def test_the_start_in_the_context_object_is_that_of_the_description(machines):
    state = {"Type": "Pass", "Parameters": {"start.$": "$$.Execution.StartTime"}, "End": True}
    described = machines.run({"StartAt": "A", "States": {"A": state}})
    started = datetime.fromisoformat(json.loads(described["output"])["start"])
    assert started == described["startDate"]


def test_descriptions_have_the_encryption_and_the_variables_that_states_use(machines):
    first = {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"}
    definition = {"StartAt": "A", "States": {"A": first, "B": {"Type": "Pass", "InputPath": "$x", "End": True}}}
    machine = machines.create(definition)
    execution = machines.start(machine)
    for described in (
        machines.client.describe_state_machine(stateMachineArn=machine),
        machines.client.describe_state_machine_for_execution(executionArn=execution),
    ):
        assert described["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
        assert described["variableReferences"] == {"B": ["x"]}
    # The default, written out, is no other machine.
    name = machine.rpartition(":")[2]
    assert machines.create(definition, name=name, encryptionConfiguration={"type": "AWS_OWNED_KEY"}) == machine


def test_an_update_with_another_description_publishes_another_version(machines):
    made = machines.client.create_state_machine(
        name=f"versions-{uuid.uuid4().hex[:8]}",
        definition=json.dumps(PASS),
        roleArn="arn:aws:iam::111122223333:role/states",
        publish=True,
        versionDescription="first",
    )
    machine = made["stateMachineArn"]
    update = {"stateMachineArn": machine, "definition": json.dumps(PASS), "publish": True}
    second = machines.client.update_state_machine(**update, versionDescription="second")["stateMachineVersionArn"]
    assert second == f"{machine}:2"
    assert machines.client.describe_state_machine(stateMachineArn=second)["description"] == "second"
    again = machines.client.update_state_machine(**update, versionDescription="second")
    assert again["stateMachineVersionArn"] == second
    # PublishStateMachineVersion is idempotent for a revision.
    assert machines.client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"] == second


def test_executions_are_listed_newest_first_in_pages_and_by_status(machines):
    machine = machines.create(
        {
            "StartAt": "C",
            "States": {
                "C": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.ok", "BooleanEquals": True, "Next": "S"}],
                    "Default": "F",
                },
                "S": {"Type": "Succeed"},
                "F": {"Type": "Fail"},
            },
        }
    )
    for index in range(5):
        machines.wait(machines.start(machine, {"ok": index % 2 == 0}, name=f"run-{index}"))
    pages = machines.client.get_paginator("list_executions").paginate(
        stateMachineArn=machine, PaginationConfig={"PageSize": 2}
    )
    listed = [execution for page in pages for execution in page["executions"]]
    assert [execution["name"] for execution in listed] == [f"run-{index}" for index in (4, 3, 2, 1, 0)]
    failed = machines.client.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
    assert [execution["name"] for execution in failed] == ["run-3", "run-1"]
    with pytest.raises(ClientError) as caught:
        machines.client.list_executions(stateMachineArn=machine, nextToken="forged")
    assert code(caught) == "InvalidToken"


def test_an_update_creates_a_revision_and_does_not_affect_running_executions(machines):
    client, machine = machines.client, machines.create(WAIT)
    execution = machines.start(machine)
    assert "revisionId" not in client.describe_state_machine(stateMachineArn=machine)
    revision = client.update_state_machine(stateMachineArn=machine, definition=json.dumps(PASS))["revisionId"]
    described = client.describe_state_machine(stateMachineArn=machine)
    assert described["revisionId"] == revision
    assert json.loads(described["definition"]) == PASS
    former = client.describe_state_machine_for_execution(executionArn=execution)
    assert json.loads(former["definition"]) == WAIT
    with pytest.raises(ClientError) as caught:
        client.update_state_machine(stateMachineArn=machine)
    assert code(caught) == "MissingRequiredParameter"
    client.stop_execution(executionArn=execution)


def test_versions_are_published_numbered_run_and_deleted(machines):
    client, machine = machines.client, machines.create(PASS)
    first = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    assert first == f"{machine}:1"
    assert client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"] == first
    update = client.update_state_machine(stateMachineArn=machine, definition=json.dumps(WAIT), publish=True)
    assert update["stateMachineVersionArn"] == f"{machine}:2"
    described = machines.wait(machines.start(first))
    assert (described["status"], described["stateMachineVersionArn"]) == ("SUCCEEDED", first)
    listed = client.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in listed] == [f"{machine}:2", first]
    client.delete_state_machine_version(stateMachineVersionArn=first)
    with pytest.raises(ClientError) as caught:
        machines.start(first)
    assert code(caught) == "StateMachineDoesNotExist"


def test_tags(machines):
    client = machines.client
    machine = machines.create(PASS, tags=[{"key": "team", "value": "scones"}])
    client.tag_resource(resourceArn=machine, tags=[{"key": "env", "value": "dev"}, {"key": "team", "value": "jam"}])
    assert client.list_tags_for_resource(resourceArn=machine)["tags"] == [
        {"key": "env", "value": "dev"},
        {"key": "team", "value": "jam"},
    ]
    client.untag_resource(resourceArn=machine, tagKeys=["env", "never"])
    assert client.list_tags_for_resource(resourceArn=machine)["tags"] == [{"key": "team", "value": "jam"}]
    with pytest.raises(ClientError) as caught:
        client.tag_resource(resourceArn=machine, tags=[{"key": f"k{n}", "value": "v"} for n in range(50)])
    assert code(caught) == "TooManyTags"
    assert len(client.list_tags_for_resource(resourceArn=machine)["tags"]) == 1


def test_deleting_a_machine_aborts_its_executions(machines):
    client, machine = machines.client, machines.create(WAIT)
    execution = machines.start(machine)
    client.delete_state_machine(stateMachineArn=machine)
    assert machines.wait(execution)["status"] == "ABORTED"
    assert machine not in [each["stateMachineArn"] for each in client.list_state_machines()["stateMachines"]]
    client.delete_state_machine(stateMachineArn=machine)


def test_definitions_are_validated_without_creating(machines):
    validate = machines.client.validate_state_machine_definition
    assert validate(definition=json.dumps(PASS))["result"] == "OK"
    answer = validate(definition='{"States": {}}')
    assert answer["result"] == "FAIL"
    assert answer["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": "These fields are required: [StartAt]",
            "location": "/",
        }
    ]
    answer = validate(definition=json.dumps(task("dynamodb:query")))
    assert [each["location"] for each in answer["diagnostics"]] == ["/States/A/Resource"]


def test_warnings_are_returned_if_requested(machines):
    validate = machines.client.validate_state_machine_definition
    definition = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Parameters": {"p": {"q": "$.x", "r.$": "$.y"}}, "Next": "B"},
            "B": {"Type": "Pass", "Result": ["States.UUID()"], "Next": "C"},
            "C": {"Type": "Fail", "Cause": "$.why"},
        },
    }
    assert validate(definition=json.dumps(definition))["diagnostics"] == []
    answer = validate(definition=json.dumps(definition), severity="WARNING", maxResults=2)
    assert (answer["result"], answer["truncated"]) == ("OK", True)
    assert [(each["severity"], each["code"], each["location"]) for each in answer["diagnostics"]] == [
        ("WARNING", "NO_DOLLAR", "/States/A/Parameters/p/q"),
        ("WARNING", "PASS_RESULT_IS_STATIC", "/States/B/Result[0]"),
    ]


def test_a_version_cannot_be_deleted_or_published_as_a_machine(machines):
    machine = machines.create(PASS, publish=True)
    version = machines.client.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"][0]
    for operation in ("delete_state_machine", "publish_state_machine_version"):
        with pytest.raises(ClientError):
            getattr(machines.client, operation)(stateMachineArn=version["stateMachineVersionArn"])
    assert machines.client.describe_state_machine(stateMachineArn=machine)["status"] == "ACTIVE"
    with pytest.raises(ClientError) as caught:
        machines.client.update_state_machine(stateMachineArn=machine, definition="{}", versionDescription="why")
    assert code(caught) == "ValidationException"


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        ({"logGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:none:*"}, "Log Destination not found."),
        (
            {"logGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:none"},
            "Log Group ARN must be provided with '*' qualifier.",
        ),
        ({"logGroupArn": "arn:aws:s3:::none"}, "Provided ARN is not CloudWatch Logs Log Group ARN."),
        ({}, "Must set valid CloudWatch Log Group ARN."),
    ],
)
def test_a_log_destination_must_exist(machines, group, reason):
    logging = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": group}]}
    with pytest.raises(ClientError) as caught:
        machines.create(PASS, loggingConfiguration=logging)
    assert code(caught) == "InvalidLoggingConfiguration"
    assert message(caught) == f"Invalid Logging Configuration: {reason}"


@pytest.mark.parametrize(
    ("encryption", "reason"),
    [
        ({"type": "CUSTOMER_MANAGED_KMS_KEY"}, "Must set a valid kmsKeyId."),
        ({"type": "AWS_OWNED_KEY", "kmsKeyId": "k"}, "Custom kmsKeyId is not allowed when selecting AWS_OWNED_KEY."),
    ],
)
def test_an_encryption_configuration_names_a_key_only_if_it_is_the_customers(machines, encryption, reason):
    created = machines.create(PASS)
    for call in (
        lambda: machines.create(PASS, encryptionConfiguration=encryption),
        lambda: machines.client.update_state_machine(stateMachineArn=created, encryptionConfiguration=encryption),
        lambda: machines.client.create_activity(name="encrypted", encryptionConfiguration=encryption),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert code(caught) == "InvalidEncryptionConfiguration"
        assert message(caught) == f"Invalid Encryption Configuration: {reason}"


def test_a_machine_describes_the_variables_that_its_states_use(machines):
    inner = {
        "StartAt": "Inner",
        "States": {"Inner": {"Type": "Pass", "Parameters": {"text.$": "States.Format('$no {}', $unit)"}, "End": True}},
    }
    definition = {
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"unit": "g", "weights": [1], "id.$": "$$.Execution.Id"}, "Next": "Go"},
            "Go": {
                "Type": "Choice",
                "Choices": [{"Variable": "$weights[0]", "IsNull": True, "Next": "Sum"}],
                "Default": "Each",
            },
            "Each": {"Type": "Map", "ItemsPath": "$weights", "ItemProcessor": inner, "Next": "Sum"},
            "Sum": {
                "Type": "Pass",
                "QueryLanguage": "JSONata",
                "End": True,
                "Output": "{% ($total := $sum($weights); $string($total) & $unit & $states.input.end) %}",
            },
        },
    }
    described = machines.client.describe_state_machine(stateMachineArn=machines.create(definition))
    assert described["variableReferences"] == {
        "Go": ["weights"],
        "Each": ["weights"],
        "Inner": ["unit"],
        "Sum": ["unit", "weights"],
    }
    plain = machines.client.describe_state_machine(stateMachineArn=machines.create(PASS))
    assert "variableReferences" not in plain


def test_an_activity_with_too_many_tags_is_not_created(machines):
    client, name = machines.client, f"tagged-{uuid.uuid4().hex}"
    with pytest.raises(ClientError) as caught:
        client.create_activity(name=name, tags=[{"key": f"k{n}", "value": "v"} for n in range(51)])
    assert code(caught) == "TooManyTags"
    assert name not in [each["name"] for each in client.list_activities()["activities"]]
