"""Fixtures that create state machines and Lambda functions in a local cloud."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from support.zips import zip_of

ROLE = "arn:aws:iam::111122223333:role/states"


class Machines:
    """Creates state machines and runs executions to their end, as a user's script does with boto3."""

    def __init__(self, cloud: Any) -> None:
        self.client = cloud.client("stepfunctions")

    def create(self, definition: Any, **params: Any) -> str:
        text = definition if isinstance(definition, str) else json.dumps(definition)
        params.setdefault("name", f"machine-{uuid.uuid4().hex[:12]}")
        made = self.client.create_state_machine(definition=text, roleArn=ROLE, **params)
        return str(made["stateMachineArn"])

    def start(self, machine: str, value: Any = None, **params: Any) -> str:
        text = json.dumps({} if value is None else value)
        return str(self.client.start_execution(stateMachineArn=machine, input=text, **params)["executionArn"])

    def wait(self, execution: str, timeout: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            described: dict[str, Any] = self.client.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.01)
        raise AssertionError(f"{execution} still runs after {timeout} s")

    def reach(self, execution: str, event: str, timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while not any(each["type"] == event for each in self.history(execution)):
            assert time.monotonic() < deadline, f"{execution} has no {event} after {timeout} s"
            time.sleep(0.01)

    def run(self, definition: Any, value: Any = None) -> dict[str, Any]:
        return self.wait(self.start(self.create(definition), value))

    def history(self, execution: str, **params: Any) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=execution, **params)
        return [event for page in pages for event in page["events"]]


@pytest.fixture
def machines(cloud: Any) -> Machines:
    """State machines in the test worker's cloud."""
    return Machines(cloud)


@pytest.fixture
def machines_of() -> Callable[[Any], Machines]:
    """A function that returns `Machines` for a cloud that the test started."""
    return Machines


FunctionMaker = Callable[[str], str]


@pytest.fixture
def function(cloud: Any) -> FunctionMaker:
    """A function that creates a Lambda function from the source of a module with a `handler`, and returns its ARN."""
    return function_maker(cloud)


@pytest.fixture
def functions_of() -> Callable[[Any], FunctionMaker]:
    """A function that returns the same as the fixture `function`, for a cloud that the test started."""
    return function_maker


def function_maker(cloud: Any) -> FunctionMaker:
    client = cloud.client("lambda")

    def make(source: str) -> str:
        made = client.create_function(
            FunctionName=f"function-{uuid.uuid4().hex[:12]}",
            Runtime="python3.12",
            Role=ROLE,
            Handler="main.handler",
            Timeout=30,
            Code={"ZipFile": zip_of({"main.py": source})},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=made["FunctionName"])
        return str(made["FunctionArn"])

    return make
