"""Lambda and Step Functions: functions that do nothing, alone and chained."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

from benchmarks.clouds import Cloud

ROLE = "arn:aws:iam::111122223333:role/benchmark"


def cases(cloud: Cloud) -> list[tuple[str, Callable[[], Any], int]]:
    """Return a warm invocation, and an execution of three chained functions."""
    functions, states = cloud.client("lambda"), cloud.client("stepfunctions")
    arns = [_function(functions, name) for name in ("first", "second", "third")]
    machine = states.create_state_machine(name="chained", roleArn=ROLE, definition=json.dumps(_chain(arns)))

    def invoke() -> None:
        answer = functions.invoke(FunctionName="first", Payload=b'{"n": 1}')
        assert "FunctionError" not in answer

    def execute() -> None:
        arn = states.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"n": 1}')["executionArn"]
        while (status := states.describe_execution(executionArn=arn)["status"]) == "RUNNING":
            time.sleep(0.001)
        assert status == "SUCCEEDED", status

    return [("Lambda Invoke, warm", invoke, 1000), ("execution of three functions", execute, 200)]


def _function(client: Any, name: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", "def handler(event, context):\n    return event\n")
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler="handler.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    arn: str = made["FunctionArn"]
    return arn


def _chain(arns: list[str]) -> dict[str, Any]:
    states: dict[str, Any] = {}
    for index, arn in enumerate(arns):
        state: dict[str, Any] = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": arn, "Payload.$": "$"},
            "OutputPath": "$.Payload",
        }
        state |= {"Next": f"S{index + 1}"} if index + 1 < len(arns) else {"End": True}
        states[f"S{index}"] = state
    return {"StartAt": "S0", "States": states}
