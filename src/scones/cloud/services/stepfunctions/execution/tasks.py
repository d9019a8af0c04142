"""One attempt of a Task: its events, its time-outs, and the call of its resource."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Protocol

from scones.cloud.services.stepfunctions.asl.definition import Task
from scones.cloud.services.stepfunctions.asl.failures import (
    EvaluationError,
    StateFailedError,
    TimedOutError,
)
from scones.cloud.services.stepfunctions.asl.paths import Path, Scope
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery
from scones.cloud.services.stepfunctions.asl.resources import Resource
from scones.cloud.services.stepfunctions.asl.text import Texts, dumps
from scones.cloud.services.stepfunctions.execution.activities import Activities, ActivityTask
from scones.cloud.services.stepfunctions.execution.callbacks import Callbacks
from scones.cloud.services.stepfunctions.execution.clock import Clock, DeadlineError, before
from scones.cloud.services.stepfunctions.execution.history import Event, Track, failure_details
from scones.cloud.services.stepfunctions.execution.payloads import payload_text
from scones.cloud.services.stepfunctions.execution.resume import Past

WHOLE: dict[str, bool] = {"truncated": False}
"""The details that accompany every payload in a history."""


class TaskRunner(Protocol):
    """Calls the resource of a Task; if `callbacks` or `activities` is None, no task may need it."""

    region: str
    callbacks: Callbacks | None
    activities: Activities | None

    async def run(self, resource: Resource, parameters: Any) -> Any:
        """Call the resource and return its answer, or raise `StateFailedError`."""

    async def wait(self, resource: Resource, parameters: Any, answer: Any) -> Any:
        """Wait for the work that a `.sync` task has started; return its result, or raise `StateFailedError`."""

    def abandon(self, resource: Resource, parameters: Any, answer: Any) -> None:
        """Stop the work that a `.sync` task has started."""


class TaskEvents:
    """A task's events, named by its resource: LambdaFunction… for a function's ARN, Activity…, or Task…."""

    def __init__(self, resource: Resource, region: str) -> None:
        self._resource = resource
        self._region = region
        self._names = {} if not resource.type else {"resource": resource.action, "resourceType": resource.type}
        self.label = resource.type or resource.arn
        self._prefix = "Task" if resource.type else "Activity" if resource.is_activity else "LambdaFunction"

    def scheduled(self, track: Track, text: str, timeout: int | None, heartbeat: int | None) -> Event:
        """Record that the task is scheduled and, unless it needs a worker, started; return the first event."""
        limits = {"timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}
        given = {name: seconds for name, seconds in limits.items() if seconds is not None}
        if self._resource.type:
            event = track.record("TaskScheduled", {"parameters": text, "region": self._region, **self._names, **given})
            track.record("TaskStarted", dict(self._names))
            return event
        details = {"input": text, "inputDetails": WHOLE, "resource": self._resource.arn, **given}
        event = track.record(f"{self._prefix}Scheduled", details)
        if not self._resource.is_activity:
            track.record("LambdaFunctionStarted")
        return event

    def submitted(self, track: Track, text: str) -> None:
        """Record the answer of a request whose work the task then waits for."""
        track.record("TaskSubmitted", {"output": text, "outputDetails": WHOLE, **self._names})

    def succeeded(self, track: Track, text: str) -> None:
        """Record the result."""
        track.record(f"{self._prefix}Succeeded", {"output": text, "outputDetails": WHOLE, **self._names})

    def failed(self, track: Track, failure: StateFailedError) -> None:
        """Record a failure or a time-out."""
        end = "TimedOut" if isinstance(failure, TimedOutError) else "Failed"
        track.record(self._prefix + end, failure_details(failure, **self._names))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a task with its effective parameters, and its task token if it has one."""

    state: Task
    parameters: Any
    scope: Scope
    track: Track
    texts: Texts
    runner: TaskRunner
    clock: Clock
    token: str | None = None

    async def run(self, past: Past | None) -> Any:
        """Make the attempt and record its events; return the result, or raise `StateFailedError`.

        `past` holds the recorded events of an attempt that only waits for its end; they are not repeated.
        """
        resource = self.state.target
        if resource.is_activity:
            assert self.runner.activities is not None
            self.runner.activities.check(resource.arn)
        events = TaskEvents(resource, self.runner.region)
        timeout = await _seconds(self.state.timeout, "TimeoutSecondsPath", self.scope)
        heartbeat = await _seconds(self.state.heartbeat, "HeartbeatSecondsPath", self.scope)
        if past is None:
            given = payload_text(self.texts, self.parameters, str(self.state.name))
            begun = events.scheduled(self.track, given, timeout, heartbeat)
            self._expect(begun)
        else:
            begun = past.own[0]
        deadline = None if timeout is None else begun.at + timeout
        try:
            result = await before(self.clock, deadline, self._result(events, heartbeat, past))
            text = payload_text(self.texts, result, events.label)
        except DeadlineError:
            failure = TimedOutError()
            events.failed(self.track, failure)
            raise failure from None
        except StateFailedError as failure:
            events.failed(self.track, failure)
            raise
        finally:
            self._forget()
        events.succeeded(self.track, text)
        return result

    def _expect(self, begun: Event) -> None:
        if self.token is not None:
            assert self.runner.callbacks is not None
            self.runner.callbacks.expect(self.token, self.scope.context["Execution"]["Id"], begun.id)

    def _forget(self) -> None:
        if self.token is not None and not self.track.recorder.closed:
            assert self.runner.callbacks is not None
            self.runner.callbacks.forget(self.token)

    async def _result(self, events: TaskEvents, heartbeat: int | None, past: Past | None) -> Any:
        resource = self.state.target
        if resource.is_activity:
            return await self._activity(heartbeat, past)
        if not resource.pattern:
            return await self.runner.run(resource, self.parameters)
        submitted = past.last("TaskSubmitted") if past else None
        if submitted is not None and submitted.details is not None:
            answer = json.loads(submitted.details["output"])
        else:
            answer = await self.runner.run(resource, self.parameters)
            events.submitted(self.track, self.texts.of(answer))
        if self.token is not None:
            assert self.runner.callbacks is not None
            return await self.runner.callbacks.outcome(self.token, heartbeat)
        try:
            return await self.runner.wait(resource, self.parameters, answer)
        except asyncio.CancelledError:
            if not self.track.recorder.closed:  # the execution was stopped, or the task timed out
                self.runner.abandon(resource, self.parameters, answer)
            raise

    async def _activity(self, heartbeat: int | None, past: Past | None) -> Any:
        def started(worker: str | None) -> None:
            self.track.record("ActivityStarted", {} if worker is None else {"workerName": worker})

        assert self.runner.activities is not None
        assert self.token is not None
        taken = past is not None and past.last("ActivityStarted") is not None
        task = None if taken else ActivityTask(self.token, self.texts.of(self.parameters), started)
        return await self.runner.activities.perform(self.state.target.arn, task, self.token, heartbeat)


async def _seconds(given: int | Path | JsonataQuery | None, field: str, scope: Scope) -> int | None:
    if isinstance(given, JsonataQuery):
        return await given.whole(scope, 1)
    if not isinstance(given, Path):
        return given
    value = given.evaluate(scope)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise EvaluationError(
            f"The {field} parameter does not reference a positive integer: {given.text} == {dumps(value)}"
        )
    return value
