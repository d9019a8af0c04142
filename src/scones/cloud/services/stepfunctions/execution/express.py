"""Express executions: they run in memory, write events only to their log, and end when the cloud ends."""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from dataclasses import dataclass
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.evaluators import JobOwner
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import JsonTexts
from scones.cloud.services.stepfunctions.execution.asl_interpreter import AslInterpreter
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.clock import DeadlineError, WallClock, with_deadline
from scones.cloud.services.stepfunctions.execution.execution import MAX_STOPPED_AT_ONCE, Execution, context_object
from scones.cloud.services.stepfunctions.execution.execution_context import ExecutionContext
from scones.cloud.services.stepfunctions.execution.execution_metrics import count_end, count_start
from scones.cloud.services.stepfunctions.execution.history import Event, EventRecorder, failure_details, started_details
from scones.cloud.services.stepfunctions.execution.quota import RunningQuota
from scones.cloud.services.stepfunctions.execution.tasks import NOT_TRUNCATED, TaskRunner
from scones.cloud.services.stepfunctions.state_machines import StateMachine

log = logging.getLogger(__name__)

_SECONDS = 300
"""Maximum seconds of an Express execution, as on AWS."""
_BILLED_STEP = 100
"""Milliseconds of one billing step. AWS bills memory in steps of 64 MB; a local execution counts as one."""


@dataclass(frozen=True, slots=True)
class ExpressResult:
    """The result of an Express execution; `stopped` is its end in Unix seconds."""

    execution: Execution
    status: str
    stopped: float
    output: str | None = None
    failure: StateFailedError | None = None

    def describe(self, *, data: bool) -> dict[str, Any]:
        """Return the response of StartSyncExecution, with input, output, error and cause if `data`."""
        execution, failure = self.execution, self.failure
        milliseconds = (self.stopped - execution.started) * 1000
        response: dict[str, Any] = {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine,
            "name": execution.name,
            "startDate": execution.started,
            "stopDate": self.stopped,
            "status": self.status,
            "billingDetails": {
                "billedMemoryUsedInMB": 64,
                "billedDurationInMilliseconds": max(1, math.ceil(milliseconds / _BILLED_STEP)) * _BILLED_STEP,
            },
        }
        if not data:
            return response
        response |= {"input": execution.input, "inputDetails": {"included": True}, "outputDetails": {"included": True}}
        members = {
            "output": self.output,
            "error": failure.error if failure else None,
            "cause": failure.cause if failure else None,
        }
        return response | {member: text for member, text in members.items() if text is not None}


class ExpressExecutions:
    """The running Express executions."""

    def __init__(self, shared: ExecutionContext, tasks: TaskRunner) -> None:
        self._cloud = shared.cloud
        self._shared = shared
        self._tasks = tasks
        self._clock = WallClock()
        self._quota = RunningQuota()
        self._stopping = False
        self._running: dict[asyncio.Task[ExpressResult], Execution] = {}
        self._synchronous: set[asyncio.Task[ExpressResult]] = set()

    def start(self, machine: StateMachine, name: str, text: str) -> Execution:
        """Start an execution without waiting for its end; raise ThrottlingException if the quota is used up."""
        execution = self._execution(machine, name, text)
        self._spawn(execution)
        return execution

    async def run(self, machine: StateMachine, name: str, text: str) -> ExpressResult:
        """Run an execution to its end and return its outcome; it continues if the caller is cancelled.

        Raises ThrottlingException if the quota is used up, StateMachineDeleting if the machine is deleted in the
        meantime, and ServiceUnavailable if the cloud stops.
        """
        task = self._spawn(self._execution(machine, name, text))
        self._synchronous.add(task)
        task.add_done_callback(self._synchronous.discard)
        await asyncio.wait({task})
        if task.cancelled() and not self._stopping:
            raise ServiceError("StateMachineDeleting", f"State Machine is being deleted: '{machine.arn}'")
        if task.cancelled():
            raise ServiceError(
                "ServiceUnavailable", "The local cloud was stopped while the execution was running.", status=503
            )
        return task.result()

    def drain(self) -> None:
        """Cancel the executions that callers wait for."""
        self._stopping = True
        for task in self._synchronous:
            task.cancel()

    async def stop(self) -> None:
        """Cancel all running executions; Express executions are not resumed."""
        self._stopping = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def stop_machine(self, machine: str) -> None:
        """Cancel the executions of a deleted machine, in the background."""
        tasks = [task for task, execution in self._running.items() if execution.machine == machine]
        if tasks:
            self._cloud.spawn(self._end_all(tasks), machine)

    async def _end_all(self, tasks: list[asyncio.Task[ExpressResult]]) -> None:
        for begin in range(0, len(tasks), MAX_STOPPED_AT_ONCE):
            together = tasks[begin : begin + MAX_STOPPED_AT_ONCE]
            for task in together:
                task.cancel()
            await asyncio.wait(together)

    def _execution(self, machine: StateMachine, name: str, text: str) -> Execution:
        if self._quota.is_exceeded_by(text):
            raise ServiceError("ThrottlingException", "Rate exceeded")
        arn = machine.arn.replace(":stateMachine:", ":express:", 1) + f":{name}:{uuid.uuid4()}"
        entries = self._shared.logs.of(machine.revision, arn)
        recorder = EventRecorder(_discard_event if entries is None else entries.add, self._clock.now, limit=None)
        chain, started = Chain(recorder, "", 0, {}), self._clock.now()
        details = started_details(text, machine.revision.role, machine.version, machine.alias)
        recorder.record("ExecutionStarted", 0, details)
        return Execution(0, arn, name, machine.arn, text, started, machine.revision, chain, since=started)

    def _spawn(self, execution: Execution) -> asyncio.Task[ExpressResult]:
        task: asyncio.Task[ExpressResult] = self._cloud.spawn(self._run(execution), execution.arn)
        self._running[task] = execution
        self._quota.add(execution.input)
        count_start(self._cloud.metrics, execution)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[ExpressResult]) -> None:
        execution = self._running.pop(task)
        self._quota.remove(execution.input)
        if not task.cancelled() and task.exception() is None:
            result = task.result()
            count_end(self._cloud.metrics, execution, result.status, result.stopped)

    async def _run(self, execution: Execution) -> ExpressResult:
        await self._shared.scheduler.wait_turn(
            JobOwner(execution.machine, execution.arn)
        )  # thousands may start at the same time
        texts = JsonTexts(execution.input)
        machine = await self._shared.definitions.get(execution.revision.definition)
        interpreter = AslInterpreter(
            context_object(execution, texts),
            texts,
            self._tasks,
            self._clock,
            self._shared.evaluators,
            self._shared.scheduler,
        )
        deadline = execution.started + min(machine.timeout or _SECONDS, _SECONDS)
        try:
            value = await with_deadline(self._clock, deadline, interpreter.run(machine, texts.root, execution.chain))
            output = texts.of(value)
        except DeadlineError:
            event = execution.chain.recorder.record("ExecutionTimedOut", 0, {"error": "States.Timeout"})
            return ExpressResult(execution, "TIMED_OUT", event.at)
        except StateFailedError as failure:
            return self._failed(execution, failure)
        except Exception:
            log.exception("Internal error while running execution %s", execution.arn)
            cause = "Internal error of the local cloud; see its log."
            return self._failed(execution, StateFailedError("States.Runtime", cause))
        event = execution.chain.record("ExecutionSucceeded", {"output": output, "outputDetails": NOT_TRUNCATED})
        return ExpressResult(execution, "SUCCEEDED", event.at, output)

    def _failed(self, execution: Execution, failure: StateFailedError) -> ExpressResult:
        event = execution.chain.record("ExecutionFailed", failure_details(failure))
        return ExpressResult(execution, "FAILED", event.at, failure=failure)


def _discard_event(_event: Event) -> None:
    """Discard an event of an execution that logs nothing."""
