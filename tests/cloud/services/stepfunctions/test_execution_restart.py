"""Executions resume after `kill -9` of the process tree."""

from __future__ import annotations

import json

import pytest

from scones.cloud.process import lifecycle

WAIT_THEN_USE = {
    "StartAt": "Set",
    "States": {
        "Set": {"Type": "Pass", "Assign": {"kept": "variable"}, "Parameters": {"n.$": "$.n"}, "Next": "Wait"},
        "Wait": {"Type": "Wait", "SecondsPath": "$.n", "Next": "Use"},
        "Use": {
            "Type": "Pass",
            "Parameters": {"kept.$": "$kept", "n.$": "$.n", "name.$": "$$.Execution.Name"},
            "End": True,
        },
    },
}


@pytest.mark.slow
def test_executions_continue_after_a_crash(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    machine = before.create(WAIT_THEN_USE)
    finished = before.start(machine, {"n": 0}, name="finished")
    before.wait(finished)
    waiting = [before.start(machine, {"n": 3}, name=f"waiting-{index}") for index in range(20)]
    long = before.start(machine, {"n": 900}, name="long")
    cloud.kill()

    after = machines_of(start_cloud())
    assert after.wait(finished)["status"] == "SUCCEEDED"
    for index, execution in enumerate(waiting):
        described = after.wait(execution)
        expected = {"kept": "variable", "n": 3, "name": f"waiting-{index}"}
        assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", expected)
        took = (described["stopDate"] - described["startDate"]).total_seconds()
        assert took > 2.99  # the API rounds times to milliseconds
        events = after.history(execution)
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        assert [event["type"] for event in events] == [
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "WaitStateEntered",
            "WaitStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ]
        assert [event["previousEventId"] for event in events] == [0, 0, 2, 3, 4, 5, 6, 7]
    assert after.client.describe_execution(executionArn=long)["status"] == "RUNNING"
    after.client.stop_execution(executionArn=long)
    names = {each["name"] for each in after.client.list_executions(stateMachineArn=machine)["executions"]}
    assert len(names) == 22


@pytest.mark.slow
def test_a_running_parallel_continues_in_its_branches(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    branch = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": True}}}
    other = {"StartAt": "V", "States": {"V": {"Type": "Pass", "Result": 1, "End": True}}}
    states = {"P": {"Type": "Parallel", "Branches": [branch, other], "End": True}}
    execution = before.start(before.create({"StartAt": "P", "States": states}))
    before.reach(execution, "PassStateExited")
    cloud.kill()

    after = machines_of(start_cloud())
    assert json.loads(after.wait(execution)["output"]) == [{}, 1]
    events = after.history(execution)
    assert [(event["id"], event["type"]) for event in events] == list(
        enumerate(
            [
                "ExecutionStarted",
                "ParallelStateEntered",
                "ParallelStateStarted",
                "WaitStateEntered",
                "PassStateEntered",
                "PassStateExited",
                "WaitStateExited",
                "ParallelStateSucceeded",
                "ParallelStateExited",
                "ExecutionSucceeded",
            ],
            start=1,
        )
    )


@pytest.mark.slow
def test_a_running_task_is_run_again(start_cloud, machines_of, functions_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    arn = functions_of(cloud)("import time\ndef handler(event, context):\n    time.sleep(1.5)\n    return event\n")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    execution = before.start(before.create({"StartAt": "T", "States": {"T": task}}), {"n": 1})
    before.reach(execution, "TaskStarted")
    cloud.kill()

    after = machines_of(start_cloud())
    described = after.wait(execution)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", {"n": 1})
    events = after.history(execution)
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["id"] for event in events] == list(range(1, 10))


@pytest.mark.slow
def test_stopping_the_cloud_does_not_end_executions_or_add_events(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    inner = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": True}}}
    states = {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}}
    execution = before.start(before.create({"StartAt": "M", "States": states}), [1, 2])
    before.reach(execution, "WaitStateEntered")
    lifecycle.stop(cloud.data_dir)

    after = machines_of(start_cloud())
    assert json.loads(after.wait(execution)["output"]) == [1, 2]
    assert "MapIterationAborted" not in [event["type"] for event in after.history(execution)]
