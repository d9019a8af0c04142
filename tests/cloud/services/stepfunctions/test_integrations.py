"""Service integrations: AWS SDK integrations and optimized integrations, called on the local cloud."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


def task(resource: str, **parameters: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}
    return {"StartAt": "Call", "States": {"Call": state}}


def test_an_sdk_task_writes_and_reads_an_object(machines, cloud):
    bucket = f"sdk-{uuid.uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=bucket)
    where = {"Bucket": bucket, "Key": "a.json"}
    written = machines.run(task("aws-sdk:s3:putObject", **where, Body={"Dict": "Value"}))
    assert json.loads(written["output"])["ETag"] == '"49e31cee5aec8faf3345893addb14346"'
    execution = machines.run(task("aws-sdk:s3:getObject", **where))
    output = json.loads(execution["output"])
    assert (output["Body"], output["ContentLength"]) == ('{"Dict":"Value"}', 16)
    assert output["ContentType"] == "text/plain; charset=UTF-8"
    assert output["LastModified"].endswith("Z")
    scheduled = next(e for e in machines.history(execution["executionArn"]) if e["type"] == "TaskScheduled")
    details = scheduled["taskScheduledEventDetails"]
    assert (details["resourceType"], details["resource"]) == ("aws-sdk:s3", "getObject")


def test_an_event_that_a_task_sends_names_its_state_machine_and_its_execution(machines, cloud, make_queue):
    events, queue, source = cloud.client("events"), make_queue(), f"test.{uuid.uuid4().hex[:12]}"
    events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule=source, Targets=[{"Id": "q", "Arn": queue.arn}])
    entry = {"Source": source, "DetailType": "t", "Detail": {"n": 1}, "Resources": ["own"]}
    execution = machines.run(task("events:putEvents", Entries=[entry]))
    (sent,) = map(json.loads, queue.bodies(1))
    assert sent["resources"] == ["own", execution["stateMachineArn"], execution["executionArn"]]


def test_the_length_of_a_response_is_that_of_aws_which_writes_times_as_java_does(machines):
    machine = machines.create({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    output = json.loads(machines.run(task("states:startExecution", StateMachineArn=machine))["output"])
    digits = str(output["StartDate"]).rstrip("0")
    body = f'{{"executionArn":"{output["ExecutionArn"]}","startDate":{digits[0]}.{digits[1:]}E9}}'
    assert output["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == str(len(body))


def test_an_sdk_task_fails_with_the_name_of_the_exception(machines):
    execution = machines.run(task("aws-sdk:s3:listObjects", Bucket=f"none-{uuid.uuid4().hex}"))
    assert (execution["status"], execution["error"]) == ("FAILED", "S3.NoSuchBucketException")
    assert execution["cause"].startswith("The specified bucket does not exist (Service: S3, Status Code: 404, Request ")


def test_members_in_camel_case_are_named_in_pascal_case(machines):
    machine = machines.create({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    execution = machines.run(task("aws-sdk:sfn:describeStateMachine", StateMachineArn=machine))
    assert json.loads(execution["output"])["StateMachineArn"] == machine


@pytest.mark.parametrize("resource", ["aws-sdk:s3:makeObject", "aws-sdk:nothing:run"])
def test_an_operation_that_aws_does_not_have_is_not_recognized(machines, resource):
    with pytest.raises(ClientError) as caught:
        machines.create(task(resource))
    message = caught.value.response["Error"]["Message"]
    assert f"The resource provided arn:aws:states:::{resource} is not recognized." in message


def test_an_operation_that_the_local_cloud_does_not_support_is_rejected_by_name(machines):
    for resource in ("aws-sdk:kms:encrypt", "aws-sdk:ec2:describeInstances", "aws-sdk:config:listDiscoveredResources"):
        with pytest.raises(ClientError, match=f"local cloud does not support the integration .*{resource}"):
            machines.create(task(resource, KeyId="a"))


@pytest.mark.parametrize(("language", "field"), [("JSONPath", "Parameters"), ("JSONata", "Arguments")])
def test_a_task_of_an_integration_needs_parameters_or_arguments(machines, language, field):
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "QueryLanguage": language, "End": True}
    with pytest.raises(ClientError) as caught:
        machines.create({"StartAt": "T", "States": {"T": state}})
    message = f"{field} field is required for resource ARN: arn:aws:states:::lambda:invoke at /States/T/Resource"
    assert message in caught.value.response["Error"]["Message"]


def test_arguments_in_jsonata_have_no_names_with_a_path_suffix(machines):
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    literal = state | {"Arguments": {"FunctionName": "f", "Payload.$": "$.x"}}
    with pytest.raises(ClientError) as caught:
        machines.create({"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": literal}})
    message = caught.value.response["Error"]["Message"]
    assert 'The field "Payload.$" is not supported by Step Functions at /States/T/Arguments' in message
    computed = state | {"Arguments": "{% {'FunctionName': 'f', 'Payload.$': 1} %}"}
    execution = machines.run({"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": computed}})
    assert execution["error"] == "States.Runtime"
    assert 'The field "Payload.$" is not supported by Step Functions' in execution["cause"]


def test_arguments_that_are_not_an_object_fail_the_task(machines):
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:listStateMachines", "End": True}
    states = {"A": {**state, "Arguments": "{% 'text' %}"}}
    execution = machines.run({"QueryLanguage": "JSONata", "StartAt": "A", "States": states})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.Runtime")
    assert "must be a JSON object" in execution["cause"]
