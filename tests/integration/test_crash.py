"""kill -9 of the process tree while executions run: acknowledged data survives, and the executions continue."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.zips import zip_of

ROLE = "arn:aws:iam::111122223333:role/crash"
CODE = """
import boto3, time

def read(event, context):
    body = boto3.client("s3").get_object(Bucket="pictures", Key=event["key"])["Body"].read()
    return {**event, "size": len(body)}

def gate(event, context):
    time.sleep(0.02)
    if event["size"] % 5 == 0:
        raise ValueError("gated")
    return event
"""


def make_functions(client) -> list[str]:
    return [
        client.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler=f"code.{name}",
            Code={"ZipFile": zip_of({"code.py": CODE})},
            Timeout=60,
            MemorySize=512,
        )["FunctionArn"]
        for name in ("read", "gate")
    ]


def chain(arns: list[str]) -> str:
    def task(arn: str) -> dict:
        parameters = {"FunctionName": arn, "Payload.$": "$"}
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": parameters,
            "OutputPath": "$.Payload",
        }

    read, gate = (task(arn) for arn in arns)
    states = {"Read": {**read, "Next": "Gate"}, "Gate": {**gate, "End": True}}
    return json.dumps({"StartAt": "Read", "States": states})


class Run:
    """Uploads objects and starts executions until the cloud no longer responds; records the acknowledged ones."""

    def __init__(self, cloud) -> None:
        self._s3, self._states = cloud.client("s3"), cloud.client("stepfunctions")
        self.machine = self._states.create_state_machine(
            name="chain", roleArn=ROLE, definition=chain(make_functions(cloud.client("lambda")))
        )["stateMachineArn"]
        self._s3.create_bucket(Bucket="pictures")
        self.objects: dict[str, int] = {}
        self.executions: dict[str, int] = {}
        self.enough = threading.Event()

    def one(self, number: int) -> None:
        key = f"{number:04}.png"
        try:
            self._s3.put_object(Bucket="pictures", Key=key, Body=b"x" * number)
            self.objects[key] = number
            started = self._states.start_execution(stateMachineArn=self.machine, input=json.dumps({"key": key}))
            self.executions[started["executionArn"]] = number
        except (BotoCoreError, ClientError):
            return  # not acknowledged, so it may be lost
        if len(self.executions) >= 25:
            self.enough.set()


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost(start_cloud):
    cloud = start_cloud()
    run = Run(cloud)
    with ThreadPoolExecutor(4) as pool:
        for number in range(1, 400):
            pool.submit(run.one, number)
        assert run.enough.wait(60)
        cloud.kill()
    assert 25 <= len(run.executions) < 399

    again = start_cloud()
    s3, states = again.client("s3"), again.client("stepfunctions")
    for key, size in run.objects.items():
        assert s3.head_object(Bucket="pictures", Key=key)["ContentLength"] == size
    deadline = time.monotonic() + 120
    for arn, number in run.executions.items():
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, "executions did not go on after the restart"
            time.sleep(0.05)
        expected = ("FAILED", "ValueError") if number % 5 == 0 else ("SUCCEEDED", None)
        assert (found["status"], found.get("error")) == expected
        history = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        assert [event["id"] for event in history] == list(range(1, len(history) + 1))
        entered = [
            event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event
        ]
        assert entered == ["Read", "Gate"]
