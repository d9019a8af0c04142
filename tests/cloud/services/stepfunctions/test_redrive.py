"""RedriveExecution: the unsuccessful states run again, in the same execution and history."""

from __future__ import annotations

import json
import time

import pytest

DOWN = """
import boto3

def handler(event, context):
    objects = boto3.client("s3").list_objects_v2(Bucket=event["bucket"]).get("Contents", [])
    if event["n"] == 2 and not objects:
        raise ConnectionError("down")
    return event["n"]
"""


def fan_out(function: str) -> dict:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 1,
        "ItemProcessor": {"StartAt": "One", "States": {"One": task}},
        "End": True,
    }
    return {"StartAt": "Each", "States": {"Each": each}}


def test_a_redrive_continues_with_the_failed_iteration(cloud, machines, function):
    s3, states = cloud.client("s3"), machines.client
    bucket = "redrive-objects"
    s3.create_bucket(Bucket=bucket)
    items = [{"n": n, "bucket": bucket} for n in (1, 2, 3)]
    arn = machines.start(machines.create(fan_out(function(DOWN))), {"items": items})
    failed = machines.wait(arn)
    assert (failed["status"], failed["error"], failed["redriveStatus"]) == ("FAILED", "ConnectionError", "REDRIVABLE")
    before = machines.history(arn)

    s3.put_object(Bucket=bucket, Key="up", Body=b"")
    redriven = states.redrive_execution(executionArn=arn, clientToken="once")
    again = states.redrive_execution(executionArn=arn, clientToken="once")
    assert redriven["redriveDate"] == again["redriveDate"]
    ended = machines.wait(arn)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", [1, 2, 3])
    assert (ended["redriveCount"], ended["redriveDate"]) == (1, redriven["redriveDate"])
    assert "error" not in ended
    history = machines.history(arn)
    assert history[: len(before)] == before
    after = history[len(before) :]
    assert (after[0]["type"], after[0]["executionRedrivenEventDetails"]) == ("ExecutionRedriven", {"redriveCount": 1})
    scheduled = [event["taskScheduledEventDetails"] for event in after if event["type"] == "TaskScheduled"]
    assert [json.loads(each["parameters"])["Payload"]["n"] for each in scheduled] == [2, 3]
    listed = states.list_executions(stateMachineArn=ended["stateMachineArn"])["executions"]
    assert [each["redriveCount"] for each in listed] == [1]


def test_successful_and_running_executions_are_not_redriven(machines):
    states = machines.client
    done = machines.start(machines.create({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}))
    machines.wait(done)
    with pytest.raises(states.exceptions.ExecutionNotRedrivable, match="Execution is SUCCEEDED and cannot be redriven"):
        states.redrive_execution(executionArn=done)
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}
    running = machines.start(machines.create(wait))
    with pytest.raises(states.exceptions.ExecutionNotRedrivable, match="Execution is RUNNING"):
        states.redrive_execution(executionArn=running)
    states.stop_execution(executionArn=running)
    states.redrive_execution(executionArn=running)
    assert states.describe_execution(executionArn=running)["status"] == "RUNNING"
    states.stop_execution(executionArn=running)
    assert machines.history(running)[-1]["type"] == "ExecutionAborted"
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.redrive_execution(executionArn=running + "x")


@pytest.mark.slow
def test_a_redriven_execution_survives_a_crash(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    wait = {"Type": "Wait", "Seconds": 3, "Next": "F"}
    chain = {"StartAt": "W", "TimeoutSeconds": 1, "States": {"W": wait, "F": {"Type": "Pass", "End": True}}}
    arn = before.start(before.create(chain))
    assert before.wait(arn)["status"] == "TIMED_OUT"
    before.client.redrive_execution(executionArn=arn)
    cloud.kill()
    time.sleep(2)  # the time limit and then the Wait state end while the cloud is down
    after = machines_of(start_cloud())
    described = after.wait(arn)
    assert (described["status"], described["redriveCount"]) == ("TIMED_OUT", 1)
    assert [event["type"] for event in after.history(arn)] == [
        "ExecutionStarted",
        "WaitStateEntered",
        "ExecutionTimedOut",
        "ExecutionRedriven",
        "ExecutionTimedOut",
    ]
