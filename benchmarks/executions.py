"""Step Functions: executions of three chained functions that do nothing, and a Map over 1,000 items."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import processes
from benchmarks.clouds import NO_LAMBDA, OURS, Cloud
from benchmarks.figures import Cell, Row, Scale, interleaved, percentile, timed
from benchmarks.functions import QUIET, ROLE, make

PART = "Step Functions"
AT_A_TIME = 20
ITEMS = 1000
MAP_SECONDS = 180.0
DOUBLING = "def handler(event, context):\n    return 2 * event\n"
INVOKE = "arn:aws:states:::lambda:invoke"


class Executions:
    """One cloud's state machines. `grown` has the memory growth per finished execution in kilobytes, by batch."""

    def __init__(self, cloud: Cloud, scale: Scale) -> None:
        self._cloud, self._scale, self._numbers = cloud, scale, itertools.count()
        self._client = cloud.client("stepfunctions", connections=AT_A_TIME)
        self._functions = cloud.client("lambda")
        self._chain = self._machine("chained", chain([make(self._functions, f"step-{n}", QUIET) for n in range(3)]))
        self._map = ""
        self.grown: list[float] = []

    def one(self) -> float:
        """Return the median milliseconds from StartExecution to the response that reports success."""
        times = timed(lambda: self._execute(0.001), self._scale.calls(60), self._scale.calls(10))
        return percentile(times, 50)

    def many(self) -> float:
        """Return executions per second, 20 at a time, and record the growth of memory."""
        count = self._scale.calls(700)
        with ThreadPoolExecutor(AT_A_TIME) as clients:
            list(clients.map(self._execute, [0.02] * AT_A_TIME * 3))
            before, begun = processes.resident(self._cloud.process), time.perf_counter()
            list(clients.map(self._execute, [0.02] * count))
            seconds = time.perf_counter() - begun
        self.grown.append((processes.resident(self._cloud.process) - before) * 1e3 / count)
        return count / seconds

    def items_first(self) -> float:
        """Return the seconds of a Map over 1,000 items with a new function; every result is checked."""
        name = f"doubling-{next(self._numbers)}"
        self._map = self._machine(name, over_items(make(self._functions, name, DOUBLING)))
        return self.items_again()

    def items_again(self) -> float:
        """Return the seconds of the same Map when repeated; every result is checked."""
        given = json.dumps({"items": list(range(ITEMS))})
        begun = time.perf_counter()
        arn = self._client.start_execution(stateMachineArn=self._map, input=given)["executionArn"]
        found = self._await(arn, 0.02)
        seconds = time.perf_counter() - begun
        assert json.loads(found["output"]) == [2 * item for item in range(ITEMS)], "wrong results"
        return seconds

    def _machine(self, name: str, definition: dict[str, Any]) -> str:
        made = self._client.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps(definition))
        arn: str = made["stateMachineArn"]
        return arn

    def _execute(self, pause: float) -> None:
        name = f"execution-{next(self._numbers)}"
        made = self._client.start_execution(stateMachineArn=self._chain, name=name, input='{"n": 1}')
        assert json.loads(self._await(made["executionArn"], pause)["output"]) == {"n": 1}

    def _await(self, arn: str, pause: float) -> dict[str, Any]:
        """Poll until the execution has ended, with a pause before each poll: no execution ends immediately."""
        deadline = time.monotonic() + MAP_SECONDS
        found: dict[str, Any] = {"status": "RUNNING"}
        while found["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"still running after {MAP_SECONDS:.0f} s"
            time.sleep(pause)
            found = self._client.describe_execution(executionArn=arn)
        assert found["status"] == "SUCCEEDED", f"{found['status']} {found.get('error')} {found.get('cause')}"
        return found


def chain(arns: Sequence[str]) -> dict[str, Any]:
    """Return a state machine that passes its input through the functions in sequence."""
    states: dict[str, Any] = {}
    for index, arn in enumerate(arns):
        state: dict[str, Any] = {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": arn, "Payload.$": "$"},
            "OutputPath": "$.Payload",
        }
        state |= {"Next": f"S{index + 1}"} if index + 1 < len(arns) else {"End": True}
        states[f"S{index}"] = state
    return {"StartAt": "S0", "States": states}


def over_items(arn: str) -> dict[str, Any]:
    """Return a state machine with an inline Map of a function over $.items."""
    task = {"Type": "Task", "Resource": arn, "End": True}
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Double", "States": {"Double": task}}
    return {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": True}},
    }


def measure(clouds: list[Cloud], scale: Scale) -> list[Row]:
    """Return the rows of Step Functions."""
    subjects = {cloud.name: Executions(cloud, scale) for cloud in clouds}
    lacking: dict[str, Cell] = {"moto": NO_LAMBDA}
    one = interleaved({name: subject.one for name, subject in subjects.items()}, scale.repeats)
    many = interleaved({name: subject.many for name, subject in subjects.items()}, scale.repeats)
    grown: dict[str, Cell] = {name: subject.grown for name, subject in subjects.items()}
    first = interleaved({name: subject.items_first for name, subject in subjects.items()}, scale.repeats)
    again = interleaved({name: subject.items_again for name, subject in subjects.items()}, scale.repeats)
    rows = [
        Row(PART, "three chained functions that do nothing, one at a time, p50", "ms", one | lacking),
        Row(PART, f"the same, {AT_A_TIME} at a time", "per s", many | lacking, less_is_better=False),
        Row(PART, "memory kept per finished execution", "KB", grown | lacking),
        Row(PART, f"inline Map of a new function over {ITEMS:,} items, all results right", "s", first | lacking),
        Row(PART, "the same Map again", "s", again | lacking),
    ]
    rows[0].want_at_most(OURS, 15)
    rows[1].want_times(OURS, 3, ["ministack"])
    rows[2].want_at_most(OURS, 5)
    rows[3].want_times(OURS, 3, ["ministack"])
    rows[4].want_times(OURS, 3, ["ministack"])
    return rows
