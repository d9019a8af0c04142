"""Express executions: they run in memory, write events only to their log, and end when the cloud ends."""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from dataclasses import dataclass
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.evaluators import Evaluators, Owner
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import Texts
from scones.cloud.services.stepfunctions.evaluation.definitions import ParsedDefinitions
from scones.cloud.services.stepfunctions.execution.clock import DeadlineError, WallClock, before
from scones.cloud.services.stepfunctions.execution.execution_logs import ExecutionLogs
from scones.cloud.services.stepfunctions.execution.executions import STOPPED_TOGETHER, Execution, context_of
from scones.cloud.services.stepfunctions.execution.history import (
    Event,
    Recorder,
    Track,
    failure_details,
    started_details,
)
from scones.cloud.services.stepfunctions.execution.interpreter import Interpreter
from scones.cloud.services.stepfunctions.execution.quota import Quota
from scones.cloud.services.stepfunctions.execution.scheduler import Scheduler
from scones.cloud.services.stepfunctions.execution.tasks import WHOLE
from scones.cloud.services.stepfunctions.integrations import CloudTasks
from scones.cloud.services.stepfunctions.machines import Machine

log = logging.getLogger(__name__)

_SECONDS = 300
"""Maximum seconds of an Express execution, as on AWS."""
_BILLED_STEP = 100
"""Milliseconds of one billing step. AWS bills memory in steps of 64 MB; a local execution counts as one."""


@dataclass(frozen=True, slots=True)
class Outcome:
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
        answer: dict[str, Any] = {
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
            return answer
        answer |= {"input": execution.input, "inputDetails": {"included": True}, "outputDetails": {"included": True}}
        told = {
            "output": self.output,
            "error": failure.error if failure else None,
            "cause": failure.cause if failure else None,
        }
        return answer | {member: text for member, text in told.items() if text is not None}


class ExpressExecutions:
    """The running Express executions."""

    def __init__(
        self,
        cloud: Cloud,
        logs: ExecutionLogs,
        evaluators: Evaluators,
        scheduler: Scheduler,
        definitions: ParsedDefinitions,
    ) -> None:
        self._cloud = cloud
        self._scheduler = scheduler
        self._definitions = definitions
        self._evaluators = evaluators
        self._logs = logs
        self._tasks = CloudTasks(cloud)
        self._clock = WallClock()
        self._quota = Quota()
        self._stopping = False
        self._running: dict[asyncio.Task[Outcome], Execution] = {}
        self._waited_for: set[asyncio.Task[Outcome]] = set()

    def start(self, machine: Machine, name: str, text: str) -> Execution:
        """Start an execution without waiting for its end; raise ThrottlingException if the quota is used up."""
        execution = self._execution(machine, name, text)
        self._spawn(execution)
        return execution

    async def run(self, machine: Machine, name: str, text: str) -> Outcome:
        """Run an execution to its end and return its outcome; it continues if the caller is cancelled.

        Raises ThrottlingException if the quota is used up, StateMachineDeleting if the machine is deleted in the
        meantime, and ServiceUnavailable if the cloud stops.
        """
        task = self._spawn(self._execution(machine, name, text))
        self._waited_for.add(task)
        task.add_done_callback(self._waited_for.discard)
        await asyncio.wait({task})
        if task.cancelled() and not self._stopping:
            raise ServiceError("StateMachineDeleting", f"State Machine is being deleted: '{machine.arn}'")
        if task.cancelled():
            raise ServiceError("ServiceUnavailable", "The local cloud was stopped while the execution ran.", status=503)
        return task.result()

    def drain(self) -> None:
        """Cancel the executions that callers wait for."""
        self._stopping = True
        for task in self._waited_for:
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

    async def _end_all(self, tasks: list[asyncio.Task[Outcome]]) -> None:
        for begin in range(0, len(tasks), STOPPED_TOGETHER):
            together = tasks[begin : begin + STOPPED_TOGETHER]
            for task in together:
                task.cancel()
            await asyncio.wait(together)

    def _execution(self, machine: Machine, name: str, text: str) -> Execution:
        if self._quota.used_up(text):
            raise ServiceError("ThrottlingException", "Rate exceeded")
        arn = machine.arn.replace(":stateMachine:", ":express:", 1) + f":{name}:{uuid.uuid4()}"
        entries = self._logs.of(machine.revision, arn)
        recorder = Recorder(_drop if entries is None else entries.add, self._clock.now, limit=None)
        track, started = Track(recorder, "", 0, {}), self._clock.now()
        details = started_details(text, machine.revision.role, machine.version, machine.alias)
        recorder.record("ExecutionStarted", 0, details)
        return Execution(0, arn, name, machine.arn, text, started, machine.revision, track, since=started)

    def _spawn(self, execution: Execution) -> asyncio.Task[Outcome]:
        task: asyncio.Task[Outcome] = self._cloud.spawn(self._run(execution), execution.arn)
        self._running[task] = execution
        self._quota.add(execution.input)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Outcome]) -> None:
        self._quota.remove(self._running.pop(task).input)

    async def _run(self, execution: Execution) -> Outcome:
        await self._scheduler.turn(Owner(execution.machine, execution.arn))  # thousands may start at the same time
        texts = Texts(execution.input)
        machine = await self._definitions.get(execution.revision.definition)
        interpreter = Interpreter(
            context_of(execution, texts), texts, self._tasks, self._clock, self._evaluators, self._scheduler
        )
        deadline = execution.started + min(machine.timeout or _SECONDS, _SECONDS)
        try:
            value = await before(self._clock, deadline, interpreter.run(machine, texts.root, execution.track))
            output = texts.of(value)
        except DeadlineError:
            event = execution.track.record("ExecutionTimedOut", {})
            return Outcome(execution, "TIMED_OUT", event.at)
        except StateFailedError as failure:
            return self._failed(execution, failure)
        except Exception:
            log.exception("the execution %s met an error of the local cloud", execution.arn)
            cause = "An internal error of the local cloud; its log has more."
            return self._failed(execution, StateFailedError("States.Runtime", cause))
        event = execution.track.record("ExecutionSucceeded", {"output": output, "outputDetails": WHOLE})
        return Outcome(execution, "SUCCEEDED", event.at, output)

    def _failed(self, execution: Execution, failure: StateFailedError) -> Outcome:
        event = execution.track.record("ExecutionFailed", failure_details(failure))
        return Outcome(execution, "FAILED", event.at, failure=failure)


def _drop(_event: Event) -> None:
    """Discard an event of an execution that logs nothing."""
