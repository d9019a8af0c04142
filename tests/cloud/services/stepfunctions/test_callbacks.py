"""Task tokens, heartbeats, activities, and tasks that wait for the executions that they start."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError


def single(resource: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": resource, "End": True, **fields}}}


def sending(queue: str, **fields: Any) -> dict[str, Any]:
    body = {"n.$": "$.n", "token.$": "$$.Task.Token"}
    parameters = {"QueueUrl": queue, "MessageBody": body}
    return single("arn:aws:states:::sqs:sendMessage.waitForTaskToken", Parameters=parameters, **fields)


def new_queue(cloud: Any) -> str:
    return str(cloud.client("sqs").create_queue(QueueName=f"tokens-{uuid.uuid4().hex[:12]}")["QueueUrl"])


def receive(cloud: Any, queue: str) -> dict[str, Any]:
    (message,) = cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    body: dict[str, Any] = json.loads(message["Body"])
    return body


def types(machines: Any, execution: str) -> list[str]:
    return [event["type"] for event in machines.history(execution)]


def test_a_task_ends_when_its_token_is_returned(cloud, machines):
    queue = new_queue(cloud)
    execution = machines.start(machines.create(sending(queue)), {"n": 1})
    token = receive(cloud, queue)["token"]
    machines.client.send_task_heartbeat(taskToken=token)
    machines.client.send_task_success(taskToken=token, output='{"done": true}')
    described = machines.wait(execution)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", {"done": True})
    assert types(machines, execution)[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    with pytest.raises(machines.client.exceptions.TaskTimedOut):
        machines.client.send_task_success(taskToken=token, output="1")


def test_a_token_brings_a_failure_that_is_caught_by_its_name(cloud, machines):
    queue = new_queue(cloud)
    definition = sending(queue, Catch=[{"ErrorEquals": ["Refused"], "Next": "Caught"}])
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    execution = machines.start(machines.create(definition), {"n": 1})
    machines.client.send_task_failure(taskToken=receive(cloud, queue)["token"], error="Refused", cause="not today")
    assert json.loads(machines.wait(execution)["output"]) == {"Error": "Refused", "Cause": "not today"}


def test_an_error_and_a_cause_that_a_task_failure_omits_are_null(cloud, machines):
    queue = new_queue(cloud)
    definition = sending(queue, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    execution = machines.start(machines.create(definition), {"n": 1})
    machines.client.send_task_failure(taskToken=receive(cloud, queue)["token"])
    assert json.loads(machines.wait(execution)["output"]) == {"Error": None, "Cause": None}


def test_without_a_heartbeat_a_task_times_out(cloud, machines):
    queue = new_queue(cloud)
    execution = machines.start(machines.create(sending(queue, HeartbeatSeconds=1)), {"n": 1})
    token = receive(cloud, queue)["token"]
    described = machines.wait(execution)
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")
    with pytest.raises(machines.client.exceptions.TaskTimedOut):
        machines.client.send_task_heartbeat(taskToken=token)


def test_invalid_task_tokens_and_outputs_are_rejected(cloud, machines):
    with pytest.raises(machines.client.exceptions.InvalidToken):
        machines.client.send_task_success(taskToken="made-up", output="1")
    queue = new_queue(cloud)
    execution = machines.start(machines.create(sending(queue)), {"n": 1})
    with pytest.raises(machines.client.exceptions.InvalidOutput):
        machines.client.send_task_success(taskToken=receive(cloud, queue)["token"], output="{")
    machines.client.stop_execution(executionArn=execution)


def waiting_for_child(machines: Any) -> tuple[str, str]:
    """Start an execution whose task passes its token to an execution that waits; return its ARN and the token."""
    pause = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    parameters = {"StateMachineArn": machines.create(pause), "Input": {"token.$": "$$.Task.Token"}}
    parent = single("arn:aws:states:::states:startExecution.sync:2", Parameters=parameters)
    execution = machines.start(machines.create(parent), {})
    while "TaskSubmitted" not in types(machines, execution):
        time.sleep(0.05)
    scheduled = machines.history(execution)[2]["taskScheduledEventDetails"]
    return execution, json.loads(scheduled["parameters"])["Input"]["token"]


def test_a_returned_token_ends_a_task_that_waits_for_an_execution(machines):
    execution, token = waiting_for_child(machines)
    machines.client.send_task_success(taskToken=token, output='"early"')
    described = machines.wait(execution)
    assert (described["status"], described["output"]) == ("SUCCEEDED", '"early"')
    assert types(machines, execution)[4:6] == ["TaskSubmitted", "TaskSucceeded"]


@pytest.mark.slow
def test_the_token_of_a_task_that_waits_for_an_execution_works_after_a_crash(start_cloud, machines_of):
    cloud = start_cloud()
    execution, token = waiting_for_child(machines_of(cloud))
    cloud.kill()
    after = machines_of(start_cloud())
    after.client.send_task_failure(taskToken=token, error="Refused", cause="not today")
    described = after.wait(execution)
    assert (described["error"], described["cause"]) == ("Refused", "not today")


@pytest.mark.slow
def test_a_task_token_works_after_a_crash_and_a_result_sent_before_one_is_kept(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    queue = new_queue(cloud)
    machine = before.create(sending(queue))
    executions = [before.start(machine, {"n": n}) for n in range(2)]
    tokens = {reported["n"]: reported["token"] for reported in (receive(cloud, queue), receive(cloud, queue))}
    before.client.send_task_success(taskToken=tokens[0], output='"early"')
    cloud.kill()

    after = machines_of(start_cloud())
    after.client.send_task_success(taskToken=tokens[1], output='"late"')
    ended = [after.wait(execution) for execution in executions]
    assert [json.loads(each["output"]) for each in ended] == ["early", "late"]
    for execution in executions:
        assert types(after, execution).count("TaskScheduled") == types(after, execution).count("TaskSubmitted") == 1


def test_a_worker_completes_the_task_of_an_activity(machines):
    states = machines.client
    activity = states.create_activity(name=f"activity-{uuid.uuid4().hex[:12]}")["activityArn"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(states.get_activity_task, activityArn=activity, workerName="worker")
        execution = machines.start(machines.create(single(activity)), {"n": 1})
        task = asked.result()
    assert json.loads(task["input"]) == {"n": 1}
    states.send_task_success(taskToken=task["taskToken"], output="2")
    assert machines.wait(execution)["output"] == "2"
    history = machines.history(execution)
    assert [event["type"] for event in history[2:5]] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert history[3]["activityStartedEventDetails"] == {"workerName": "worker"}


@pytest.mark.slow
def test_the_tasks_of_an_activity_survive_a_crash(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    activity = before.client.create_activity(name="work")["activityArn"]
    machine = before.create(single(activity))
    executions = [before.start(machine, {"n": n}) for n in range(2)]
    taken = before.client.get_activity_task(activityArn=activity)
    cloud.kill()

    after = machines_of(start_cloud())
    left = after.client.get_activity_task(activityArn=activity)
    for task in (taken, left):
        after.client.send_task_success(taskToken=task["taskToken"], output=task["input"])
    assert [json.loads(after.wait(each)["output"]) for each in executions] == [{"n": 0}, {"n": 1}]
    for execution in executions:
        assert (
            types(after, execution).count("ActivityScheduled") == types(after, execution).count("ActivityStarted") == 1
        )


def test_activities_are_described_tagged_and_deleted(machines):
    states = machines.client
    name = f"listed-{uuid.uuid4().hex[:12]}"
    made = states.create_activity(name=name, tags=[{"key": "team", "value": "bay"}])
    assert states.create_activity(name=name)["creationDate"] == made["creationDate"]
    arn = made["activityArn"]
    assert states.describe_activity(activityArn=arn)["name"] == name
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "bay"}]
    pages = states.get_paginator("list_activities").paginate()
    assert name in [each["name"] for page in pages for each in page["activities"]]
    states.delete_activity(activityArn=arn)
    with pytest.raises(states.exceptions.ActivityDoesNotExist):
        states.get_activity_task(activityArn=arn)
    execution = machines.run(single(arn))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.Runtime")


WAITING = {
    "StartAt": "W",
    "States": {
        "W": {"Type": "Wait", "SecondsPath": "$.s", "Next": "D"},
        "D": {"Type": "Pass", "Result": {"a": 1}, "End": True},
    },
}


@pytest.mark.parametrize(("pattern", "output"), [("sync", '{"a":1}'), ("sync:2", {"a": 1})])
def test_a_task_waits_for_its_nested_execution(machines, pattern, output):
    machine = machines.create(WAITING)
    parameters = {"StateMachineArn": machine, "Input": {"s": 1}}
    outer = single(f"arn:aws:states:::states:startExecution.{pattern}", Parameters=parameters, OutputPath="$.Output")
    described = machines.run(outer)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", output)


def test_a_nested_execution_that_fails_fails_the_task_and_a_stop_reaches_it(machines):
    failing = machines.create({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Inner", "Cause": "why"}}})
    outer = single("arn:aws:states:::states:startExecution.sync:2", Parameters={"StateMachineArn": failing})
    described = machines.run(outer)
    assert described["error"] == "States.TaskFailed"
    assert json.loads(described["cause"])["Error"] == "Inner"

    inner = machines.create(WAITING)
    parameters = {"StateMachineArn": inner, "Input": {"s": 600}}
    execution = machines.start(
        machines.create(single("arn:aws:states:::states:startExecution.sync", Parameters=parameters))
    )
    machines.reach(execution, "TaskSubmitted")
    machines.client.stop_execution(executionArn=execution)
    (nested,) = machines.client.list_executions(stateMachineArn=inner)["executions"]
    assert machines.wait(nested["executionArn"])["status"] == "ABORTED"


@pytest.mark.slow
def test_a_task_waits_for_its_nested_execution_again_after_a_crash(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    inner = before.create(WAITING)
    parameters = {"StateMachineArn": inner, "Input": {"s": 3}}
    outer = single("arn:aws:states:::states:startExecution.sync:2", Parameters=parameters, OutputPath="$.Output")
    execution = before.start(before.create(outer))
    before.reach(execution, "TaskSubmitted")
    cloud.kill()

    after = machines_of(start_cloud())
    assert json.loads(after.wait(execution)["output"]) == {"a": 1}
    assert types(after, execution).count("TaskSubmitted") == 1
    assert len(after.client.list_executions(stateMachineArn=inner)["executions"]) == 1


def test_a_time_out_ends_a_task_that_waits(cloud, machines):
    queue = new_queue(cloud)
    began = time.monotonic()
    described = machines.wait(machines.start(machines.create(sending(queue, TimeoutSeconds=1)), {"n": 1}))
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")
    assert time.monotonic() - began >= 1


def test_a_missed_heartbeat_is_caught_by_its_error_name(cloud, machines):
    queue = new_queue(cloud)
    definition = sending(
        queue, HeartbeatSeconds=1, Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Late"}]
    )
    definition["States"]["Late"] = {"Type": "Pass", "OutputPath": "$.Error", "End": True}
    described = machines.wait(machines.start(machines.create(definition), {"n": 1}))
    assert (described["status"], json.loads(described.get("output", "null"))) == ("SUCCEEDED", "States.Timeout")


def test_only_one_of_several_simultaneous_results_counts(cloud, machines):
    queue = new_queue(cloud)
    execution = machines.start(machines.create(sending(queue)), {"n": 1})
    token = receive(cloud, queue)["token"]
    timed_out = machines.client.exceptions.TaskTimedOut  # botocore makes these classes at the first use, without a lock

    def send(number: int) -> int | None:
        try:
            machines.client.send_task_success(taskToken=token, output=str(number))
        except timed_out:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        accepted = [number for number in pool.map(send, range(8)) if number is not None]
    assert [json.loads(machines.wait(execution)["output"])] == accepted


@pytest.mark.slow
def test_a_task_result_sent_before_its_request_is_recorded_survives_a_crash(start_cloud, machines_of, functions_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    queue = new_queue(cloud)
    code = (
        "import boto3, json, time\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message(QueueUrl=event['queue'], MessageBody=json.dumps(event))\n"
        "    time.sleep(event['seconds'])\n"
    )
    function = functions_of(cloud)(code)
    payload = {"queue": queue, "token.$": "$$.Task.Token", "seconds.$": "$.seconds", "n": 1}
    resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    machine = before.create(single(resource, Parameters={"FunctionName": function, "Payload": payload}))
    execution = before.start(machine, {"seconds": 2})
    before.client.send_task_success(taskToken=receive(cloud, queue)["token"], output='"early"')
    assert "TaskSubmitted" not in types(before, execution)
    cloud.kill()

    after = machines_of(start_cloud())
    assert json.loads(after.wait(execution)["output"]) == "early"
    assert types(after, execution).count("TaskSubmitted") == 1


def test_an_activity_whose_history_is_full_fails_its_execution_but_not_its_worker(cloud, machines):
    activity = machines.client.create_activity(name=f"full-{uuid.uuid4().hex[:12]}")["activityArn"]
    more = {"Variable": "$.n", "NumericLessThan": 6249, "Next": "Count"}
    states = {  # each loop adds 4 events: only the final event fits after ActivityScheduled
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough?"},
        "Enough?": {"Type": "Choice", "Choices": [more], "Default": "Work"},
        "Work": {"Type": "Task", "Resource": activity, "End": True},
    }
    execution = machines.start(machines.create({"StartAt": "Count", "States": states}), {"n": 0})
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(machines.client.get_activity_task, activityArn=activity)
        described = machines.wait(execution)
        machines.start(machines.create(single(activity)), "of another")
        assert json.loads(taken.result()["input"]) == "of another"
    assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")
    (last,) = machines.client.get_execution_history(executionArn=execution, maxResults=1, reverseOrder=True)["events"]
    assert last["id"] == 25_000


def test_a_disconnected_worker_receives_no_task(cloud, machines):
    activity = machines.client.create_activity(name=f"left-{uuid.uuid4().hex[:12]}")["activityArn"]
    impatient = cloud.client("stepfunctions", read_timeout=0.5)
    with pytest.raises(ReadTimeoutError):
        impatient.get_activity_task(activityArn=activity)
    execution = machines.start(machines.create(single(activity)), {"n": 1})
    task = machines.client.get_activity_task(activityArn=activity)
    machines.client.send_task_success(taskToken=task["taskToken"], output=task["input"])
    assert json.loads(machines.wait(execution)["output"]) == {"n": 1}
