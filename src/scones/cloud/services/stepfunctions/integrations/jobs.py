"""The `.sync` patterns: a task waits for the job or execution that it starts, and its description is the result."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.integrations.members import milliseconds, shown
from scones.cloud.services.stepfunctions.integrations.optimized import VENDORS, OptimizedIntegration
from scones.cloud.wire.model import operation_model

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Seconds between two polls of a job: the first pause and the longest one."""


@dataclass(frozen=True, slots=True)
class Job:
    """The operations that describe and stop a job or execution, the member with its status, and status values."""

    describe: str
    stop: str
    name: Callable[[Any, Any], dict[str, str]]
    """Function from the start's parameters and response to the parameters of Describe and Stop."""
    status: str
    succeeded: str
    going_on: tuple[str, ...]


def _named(member: str) -> Callable[[Any, Any], dict[str, str]]:
    return lambda parameters, _answer: {member: parameters[member]}


def _sagemaker(word: str) -> Job:
    name, status = f"{word}JobName", f"{word}JobStatus"
    going_on = ("InProgress", "Stopping")
    return Job(f"Describe{word}Job", f"Stop{word}Job", _named(name), status, "Completed", going_on)


EXECUTION = Job(
    "DescribeExecution",
    "StopExecution",
    lambda _parameters, answer: {"executionArn": answer["ExecutionArn"]},
    "status",
    "SUCCEEDED",
    ("RUNNING", "PENDING_REDRIVE"),
)
JOBS = {
    f"Create{word}Job": _sagemaker(word) for word in ("Training", "Processing", "Transform", "HyperParameterTuning")
}


class JobIntegration(OptimizedIntegration):
    """An operation that starts a job or execution and waits for its end."""

    def __init__(self, kind: str, operation: str, job: Job) -> None:
        super().__init__(VENDORS[kind], operation)
        self._job = job

    async def wait(self, cloud: Cloud, parameters: Any, answer: Any) -> Any:
        """Wait for the end; return the description, or raise `StateFailedError` (States.TaskFailed) on failure."""
        name = self._job.name(parameters, answer)
        pause = FIRST_PAUSE
        while True:
            found = await cloud.call(self.vendor.service, self._job.describe, name)
            if found[self._job.status] not in self._job.going_on:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        shape = operation_model(self.vendor.service, self._job.describe).output_shape
        result = self.result(shown(found, shape, milliseconds))
        if found[self._job.status] != self._job.succeeded:
            raise StateFailedError("States.TaskFailed", dumps(result))
        return result

    def result(self, shown_: dict[str, Any]) -> dict[str, Any]:
        """Return the task's result for a description."""
        return shown_

    async def abandon(self, cloud: Cloud, parameters: Any, answer: Any) -> None:
        """Try to stop the job or execution, which the task no longer waits for, as AWS does."""
        with contextlib.suppress(ServiceError):  # it has already ended
            await cloud.call(self.vendor.service, self._job.stop, self._job.name(parameters, answer))


class ExecutionIntegration(JobIntegration):
    """StartExecution with `.sync` or, if `parse` is true, `.sync:2`, which parses input and output."""

    def __init__(self, *, parse: bool) -> None:
        super().__init__("states", "StartExecution", EXECUTION)
        self._parse = parse

    def result(self, shown_: dict[str, Any]) -> dict[str, Any]:
        """Return the description, with parsed input and output for `.sync:2`."""
        if self._parse:
            for member in ("Input", "Output"):
                if member in shown_:
                    shown_[member] = json.loads(shown_[member])
        return shown_
