"""The `.sync` patterns: a task waits for the job or execution that it starts, and its description is the result."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.integrations.conversion import milliseconds, to_state_json
from scones.cloud.services.stepfunctions.integrations.optimized import VENDORS, OptimizedIntegration
from scones.cloud.wire.model import operation_model

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Seconds between two polls of a job: the first pause and the longest one."""


@dataclass(frozen=True, slots=True)
class WaitedJob:
    """The operations that describe and stop a job or execution, the member with its status, and status values."""

    describe: str
    stop: str
    name: Callable[[Any, Any], dict[str, str]]
    """Function from the start's parameters and response to the parameters of Describe and Stop."""
    status: str
    succeeded: str
    in_progress: tuple[str, ...]


def _named(member: str) -> Callable[[Any, Any], dict[str, str]]:
    return lambda parameters, _answer: {member: parameters[member]}


def _sagemaker(job_type: str) -> WaitedJob:
    name, status = f"{job_type}JobName", f"{job_type}JobStatus"
    going_on = ("InProgress", "Stopping")
    return WaitedJob(f"Describe{job_type}Job", f"Stop{job_type}Job", _named(name), status, "Completed", going_on)


EXECUTION = WaitedJob(
    "DescribeExecution",
    "StopExecution",
    lambda _parameters, response: {"executionArn": response["ExecutionArn"]},
    "status",
    "SUCCEEDED",
    ("RUNNING", "PENDING_REDRIVE"),
)
JOBS = {
    f"Create{job_type}Job": _sagemaker(job_type)
    for job_type in ("Training", "Processing", "Transform", "HyperParameterTuning")
}


class JobIntegration(OptimizedIntegration):
    """An operation that starts a job or execution and waits for its end."""

    def __init__(self, kind: str, operation: str, job: WaitedJob) -> None:
        super().__init__(VENDORS[kind], operation)
        self._job = job

    async def wait(self, cloud: CloudContext, parameters: Any, response: Any) -> Any:
        """Wait for the end; return the description, or raise `StateFailedError` (States.TaskFailed) on failure."""
        name = self._job.name(parameters, response)
        pause = FIRST_PAUSE
        while True:
            found = await cloud.call(self.vendor.service, self._job.describe, name)
            if found[self._job.status] not in self._job.in_progress:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        shape = operation_model(self.vendor.service, self._job.describe).output_shape
        result = self.result(to_state_json(found, shape, milliseconds))
        if found[self._job.status] != self._job.succeeded:
            raise StateFailedError("States.TaskFailed", dumps(result))
        return result

    def result(self, description: dict[str, Any]) -> dict[str, Any]:
        """Return the task's result for a description."""
        return description

    async def abandon(self, cloud: CloudContext, parameters: Any, response: Any) -> None:
        """Try to stop the job or execution, which the task no longer waits for, as AWS does."""
        with contextlib.suppress(ServiceError):  # it has already ended
            await cloud.call(self.vendor.service, self._job.stop, self._job.name(parameters, response))


class ExecutionIntegration(JobIntegration):
    """StartExecution with `.sync` or, if `parse` is true, `.sync:2`, which parses input and output."""

    def __init__(self, *, parse: bool) -> None:
        super().__init__("states", "StartExecution", EXECUTION)
        self._parse = parse

    def result(self, description: dict[str, Any]) -> dict[str, Any]:
        """Return the description, with parsed input and output for `.sync:2`."""
        if self._parse:
            for member in ("Input", "Output"):
                if member in description:
                    description[member] = json.loads(description[member])
        return description
