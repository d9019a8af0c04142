"""Repeated kill -9 of the process tree at random times: every execution ends as it would without the kills.

`SCONES_SOAK_KILLS=100 pytest tests/integration/test_soak.py` soaks for longer; `SCONES_SOAK_SEED` repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.zips import zip_of

KILLS = int(os.environ.get("SCONES_SOAK_KILLS", "6"))
SEED = int(os.environ.get("SCONES_SOAK_SEED", "0")) or random.randrange(1, 10**6)
PER_KILL = 40
ROLE = "arn:aws:iam::111122223333:role/soak"
CODE = """
class Flaky(Exception):
    pass

class Shut(Exception):
    pass

def handler(event, context):
    if event["retry"] < event["failures"]:
        raise Flaky(event["retry"])
    if event.get("shut"):
        raise Shut(event["n"])
    return {"n": event["n"] * 2}
"""


def task(given: dict[str, Any] = {"failures": 0}, **fields: Any) -> dict[str, Any]:  # noqa: B006 - only read
    payload = {"n.$": "$.n", "retry.$": "$$.State.RetryCount", **given}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "soak", "Payload": payload},
        "ResultSelector": {"n.$": "$.Payload.n"},
        "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 3}],
        **fields,
    }


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


FLAKY = {"failures.$": "$.failures"}
DEFINITION = chain(
    First={"Type": "Pass", "Assign": {"kept.$": "$.n"}, "Next": "Call"},
    Call=task(FLAKY, ResultPath="$.called", Next="Both"),
    Both={
        "Type": "Parallel",
        "Branches": [
            chain(Rest={"Type": "Wait", "Seconds": 1, "Next": "After"}, After=task(End=True)),
            chain(Now=task(FLAKY, End=True)),
        ],
        "ResultPath": "$.both",
        "Next": "Each",
    },
    Each={
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"n.$": "$$.Map.Item.Value", "failures.$": "$.failures"},
        "MaxConcurrency": 2,
        "ItemProcessor": chain(One=task(FLAKY, Next="Two"), Two=task(End=True)),
        "ResultPath": "$.each",
        "Next": "Shut",
    },
    Shut=task(
        {"failures": 0, "shut": True},
        Catch=[{"ErrorEquals": ["Shut"], "ResultPath": "$.shut", "Next": "Last"}],
        Next="Last",
    ),
    Last={
        "Type": "Pass",
        "Parameters": {
            "called.$": "$.called.n",
            "both.$": "$.both[*].n",
            "each.$": "$.each[*].n",
            "shut.$": "$.shut.Error",
            "kept.$": "$kept",
        },
        "End": True,
    },
)


def expected_output(n: int) -> dict[str, Any]:
    return {"called": 2 * n, "both": [2 * n, 2 * n], "each": [4, 8, 12], "shut": "Shut", "kept": n}


def expected_events(n: int) -> Counter[str]:
    """Return the number of events of each type except TaskScheduled and TaskStarted, which kills can increase."""
    failures = n % 3
    return Counter(
        {
            "ExecutionStarted": 1,
            "PassStateEntered": 2,
            "PassStateExited": 2,
            "TaskStateEntered": 1 + 2 + 6 + 1,
            "TaskStateExited": 1 + 2 + 6 + 1,
            "TaskSucceeded": 1 + 2 + 6,
            "TaskFailed": failures * (1 + 1 + 3) + 1,
            "WaitStateEntered": 1,
            "WaitStateExited": 1,
            "ParallelStateEntered": 1,
            "ParallelStateStarted": 1,
            "ParallelStateSucceeded": 1,
            "ParallelStateExited": 1,
            "MapStateEntered": 1,
            "MapStateStarted": 1,
            "MapIterationStarted": 3,
            "MapIterationSucceeded": 3,
            "MapStateSucceeded": 1,
            "MapStateExited": 1,
            "ExecutionSucceeded": 1,
        }
    )


def make(cloud: Any) -> str:
    """Create the function and the state machine; return the state machine's ARN."""
    cloud.client("lambda").create_function(
        FunctionName="soak",
        Runtime="python3.11",
        Role=ROLE,
        Handler="code.handler",
        Code={"ZipFile": zip_of({"code.py": CODE})},
        Timeout=60,
    )
    made = cloud.client("stepfunctions").create_state_machine(
        name="soak", definition=json.dumps(DEFINITION), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def start_until_killed(cloud: Any, machine: str, numbers: count[int], moment: float) -> dict[str, int]:
    """Start executions from four threads, kill the cloud after `moment` seconds; return the acknowledged ones."""
    answered: dict[str, int] = {}
    left = threading.Semaphore(PER_KILL)

    def start() -> None:
        client = cloud.client("stepfunctions")
        while left.acquire(blocking=False):
            n = next(numbers)
            given = json.dumps({"n": n, "failures": n % 3, "items": [1, 2, 3]})
            try:
                made = client.start_execution(stateMachineArn=machine, name=f"soak-{n}", input=given)
            except (BotoCoreError, ClientError):
                return
            answered[made["executionArn"]] = n

    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(start)
        time.sleep(moment)
        cloud.kill()
    return answered


@pytest.mark.slow
def test_every_execution_survives_kill_9_at_random_moments(start_cloud, record_property):
    print(f"seed {SEED}")
    moments = random.Random(SEED)
    cloud = start_cloud()
    machine, numbers = make(cloud), count(1)
    answered: dict[str, int] = {}
    for _ in range(KILLS):
        answered |= start_until_killed(cloud, machine, numbers, moments.uniform(0.05, 2.5))
        cloud = start_cloud()
    client = cloud.client("stepfunctions")

    def executions(**params: Any) -> list[dict[str, Any]]:
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine, **params)
        return [each for page in pages for each in page["executions"]]

    deadline = time.monotonic() + 240
    while executions(statusFilter="RUNNING") and time.monotonic() < deadline:
        time.sleep(0.1)
    ended = {each["executionArn"]: each for each in executions()}
    assert set(answered) <= set(ended)
    restarts = 0
    for arn in ended:
        described = client.describe_execution(executionArn=arn)
        n = json.loads(described["input"])["n"]
        assert (described["status"], json.loads(described.get("output", "null"))) == ("SUCCEEDED", expected_output(n))
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        assert all(event["previousEventId"] < event["id"] for event in events)
        types = Counter(event["type"] for event in events)
        begun = types.pop("TaskScheduled"), types.pop("TaskStarted")
        assert types == expected_events(n)
        assert min(begun) >= types["TaskSucceeded"] + types["TaskFailed"]
        restarts += begun[0] - types["TaskSucceeded"] - types["TaskFailed"]
    record_property("soak", {"seed": SEED, "kills": KILLS, "executions": len(ended), "tasks_run_again": restarts})
    print(f"{len(ended)} executions, {KILLS} kills, {restarts} tasks run again")
