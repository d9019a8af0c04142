"""Executions of the state machine, one per image: start them, wait for them, and group them by result."""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from scones.workflow.observer import Progress
from scones.workflow.target import Target

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

GATE = "ThresholdConfidenceNotMet"
"""Name of the error with which the confidence gate fails an execution."""
GATE_STATE = "FilterInferences"


@dataclass(frozen=True)
class Execution:
    """An execution that has ended: its image, its result, and its duration in milliseconds.

    `state` is the state that failed. `inferences` are the endpoint's outputs, empty if the endpoint was not reached.
    """

    image_key: str
    arn: str
    status: str
    started: datetime
    milliseconds: float
    error: str | None = None
    cause: str | None = None
    state: str | None = None
    inferences: tuple[float, ...] = ()

    @property
    def succeeded(self) -> bool:
        """True if the image passed the confidence gate."""
        return self.status == "SUCCEEDED"

    @property
    def gated(self) -> bool:
        """True if the confidence gate failed the execution, which is correct for a low confidence."""
        return self.error == GATE

    @property
    def invoked(self) -> bool:
        """True if the endpoint returned a prediction."""
        return self.succeeded or self.state == GATE_STATE


@dataclass(frozen=True)
class Executions:
    """A set of executions that have ended."""

    ended: tuple[Execution, ...]

    @property
    def succeeded(self) -> int:
        """Number of executions that passed the gate."""
        return sum(execution.succeeded for execution in self.ended)

    @property
    def gated(self) -> int:
        """Number of executions that the gate failed."""
        return sum(execution.gated for execution in self.ended)

    @property
    def failed(self) -> tuple[Execution, ...]:
        """Executions that failed for any reason other than the gate."""
        return tuple(execution for execution in self.ended if not execution.succeeded and not execution.gated)

    @property
    def invocations(self) -> int:
        """Number of executions in which the endpoint returned a prediction."""
        return sum(execution.invoked for execution in self.ended)

    @property
    def errors(self) -> dict[str, dict[str, int]]:
        """Number of executions by state and error name."""
        counts = Counter((e.state or "", e.error or e.status) for e in self.ended if not e.succeeded)
        states: dict[str, dict[str, int]] = {}
        for (state, error), count in counts.items():
            states.setdefault(state, {})[error] = count
        return states

    @property
    def since(self) -> datetime | None:
        """Start time of the first execution, by the cloud's clock; None if there are none."""
        return min((execution.started for execution in self.ended), default=None)

    def percentile(self, share: float) -> float | None:
        """Return the milliseconds that `share` (0 to 1) of the executions did not exceed; None without executions."""
        durations = sorted(execution.milliseconds for execution in self.ended)
        return durations[max(math.ceil(share * len(durations)), 1) - 1] if durations else None


def execute(
    target: Target, state_machine: str, bucket: str, keys: Sequence[str], *, concurrency: int, progress: Progress
) -> Executions:
    """Start an execution for each image s3://bucket/key, at most `concurrency` at a time, and wait for all of them."""
    client, stop = target.client("stepfunctions"), threading.Event()

    def one(key: str) -> Execution:
        given = json.dumps({"image_data": "", "s3_bucket": bucket, "s3_key": key})
        arn = client.start_execution(stateMachineArn=state_machine, input=given)["executionArn"]
        return _read(client, _wait(client, arn, stop))

    return _run_all(one, keys, concurrency, progress, stop)


def history(target: Target, state_machine: str, since: datetime, *, concurrency: int, progress: Progress) -> Executions:
    """Return the state machine's executions that started at or after `since` and have ended."""
    client, arns = target.client("stepfunctions"), []
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=state_machine):
        listed = page["executions"]
        arns += [item["executionArn"] for item in listed if item["status"] != "RUNNING" and item["startDate"] >= since]
        if listed and listed[-1]["startDate"] < since:
            break  # the list is sorted newest first
    return _run_all(lambda arn: _read(client, client.describe_execution(executionArn=arn)), arns, concurrency, progress)


def _run_all(
    one: Callable[[str], Execution],
    names: Sequence[str],
    concurrency: int,
    progress: Progress,
    stop: threading.Event | None = None,
) -> Executions:
    """Call `one` for each name in a thread pool. Any exception sets `stop`, and no further call starts."""
    ended: dict[int, Execution] = {}
    progress(0, len(names))
    with ThreadPoolExecutor(concurrency, thread_name_prefix="executions") as threads:
        running = {threads.submit(one, name): index for index, name in enumerate(names)}
        try:
            for done, future in enumerate(as_completed(running), 1):
                ended[running[future]] = future.result()
                progress(done, len(names))
        except BaseException:
            if stop is not None:
                stop.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return Executions(tuple(ended[index] for index in sorted(ended)))


def _wait(client: SFNClient, arn: str, stop: threading.Event) -> DescribeExecutionOutputTypeDef:
    """Wait until an execution ends, polling with backoff, and return its description."""
    pause = 0.02
    while True:
        found = client.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING" or stop.is_set():
            return found
        stop.wait(pause)
        pause = min(pause * 1.3, 2.0)


def _read(client: SFNClient, found: DescribeExecutionOutputTypeDef) -> Execution:
    given = json.loads(found["input"])
    execution = Execution(
        image_key=given.get("s3_key", "") if isinstance(given, dict) else "",
        arn=found["executionArn"],
        status=found["status"],
        started=found["startDate"],
        milliseconds=(found.get("stopDate", found["startDate"]) - found["startDate"]).total_seconds() * 1000,
    )
    if execution.succeeded:
        return replace(execution, inferences=_inferences(json.loads(found["output"])))
    state, event = _failed_state(client, execution.arn)
    return replace(
        execution, error=found.get("error"), cause=found.get("cause"), state=state, inferences=_inferences(event)
    )


def _inferences(event: object) -> tuple[float, ...]:
    return tuple(event.get("inferences", ())) if isinstance(event, dict) else ()


def _failed_state(client: SFNClient, arn: str) -> tuple[str | None, object]:
    """Return the state in which an execution failed, and that state's input."""
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, reverseOrder=True)
    for event in (event for page in pages for event in page["events"]):
        if entered := event.get("stateEnteredEventDetails"):
            return entered["name"], json.loads(entered.get("input", "null"))
    return None, None
