"""One attempt of a Task: its events, its time-outs, and the call of its resource."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from scones.cloud.services.stepfunctions.asl.definition import Task
from scones.cloud.services.stepfunctions.asl.failures import (
    EvaluationError,
    StateFailedError,
    TimedOutError,
)
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery
from scones.cloud.services.stepfunctions.asl.resources import Resource
from scones.cloud.services.stepfunctions.asl.text import JsonTexts, dumps
from scones.cloud.services.stepfunctions.execution.activities import Activities, ActivityTask
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import ChainHistory
from scones.cloud.services.stepfunctions.execution.clock import Clock, DeadlineError, with_deadline
from scones.cloud.services.stepfunctions.execution.history import Event, failure_details
from scones.cloud.services.stepfunctions.execution.payloads import payload_text
from scones.cloud.services.stepfunctions.execution.task_tokens import TaskTokens

NOT_TRUNCATED: dict[str, bool] = {"truncated": False}
"""The details that accompany every payload in a history."""


class TaskRunner(Protocol):
    """Calls the resource of a Task; if `callbacks` or `activities` is None, no task may need it."""

    region: str
    callbacks: TaskTokens | None
    activities: Activities | None

    async def run(self, resource: Resource, parameters: Any, context: Mapping[str, Any]) -> Any:
        """Call the resource and return its response, or raise `StateFailedError`; `context` is the context object."""

    async def wait(self, resource: Resource, parameters: Any, response: Any) -> Any:
        """Wait for the work that a `.sync` task has started; return its result, or raise `StateFailedError`."""

    def abandon(self, resource: Resource, parameters: Any, response: Any) -> None:
        """Stop the work that a `.sync` task has started."""


class TaskEvents:
    """A task's events, named by its resource: LambdaFunction… for a function's ARN, Activity…, or Task…."""

    def __init__(self, resource: Resource, region: str) -> None:
        self._resource = resource
        self._region = region
        self._names = {} if not resource.type else {"resource": resource.action, "resourceType": resource.type}
        self.label = resource.type or resource.arn
        self._prefix = "Task" if resource.type else "Activity" if resource.is_activity else "LambdaFunction"

    def scheduled(self, chain: Chain, text: str, timeout: int | None, heartbeat: int | None) -> Event:
        """Record that the task is scheduled and, unless it needs a worker, started; return the first event."""
        limits = {"timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}
        given = {name: seconds for name, seconds in limits.items() if seconds is not None}
        if self._resource.type:
            event = chain.record("TaskScheduled", {"parameters": text, "region": self._region, **self._names, **given})
            chain.record("TaskStarted", dict(self._names))
            return event
        details = {"input": text, "inputDetails": NOT_TRUNCATED, "resource": self._resource.arn, **given}
        event = chain.record(f"{self._prefix}Scheduled", details)
        if not self._resource.is_activity:
            chain.record("LambdaFunctionStarted")
        return event

    def submitted(self, chain: Chain, text: str) -> None:
        """Record the response to a request whose work the task then waits for."""
        chain.record("TaskSubmitted", {"output": text, "outputDetails": NOT_TRUNCATED, **self._names})

    def succeeded(self, chain: Chain, text: str) -> None:
        """Record the result."""
        chain.record(f"{self._prefix}Succeeded", {"output": text, "outputDetails": NOT_TRUNCATED, **self._names})

    def failed(self, chain: Chain, failure: StateFailedError) -> None:
        """Record a failure or a time-out."""
        end = "TimedOut" if isinstance(failure, TimedOutError) else "Failed"
        chain.record(self._prefix + end, failure_details(failure, **self._names))


@dataclass(frozen=True, slots=True)
class TaskAttempt:
    """One attempt of a task with its effective parameters, and its task token if it has one."""

    state: Task
    parameters: Any
    scope: EvaluationScope
    chain: Chain
    texts: JsonTexts
    runner: TaskRunner
    clock: Clock
    token: str | None = None

    async def run(self, history: ChainHistory | None) -> Any:
        """Make the attempt and record its events; return the result, or raise `StateFailedError`.

        `history` holds the recorded events of an attempt that only waits for its end; they are not repeated.
        """
        resource = self.state.target
        if resource.is_activity:
            assert self.runner.activities is not None
            self.runner.activities.check(resource.arn)
        events = TaskEvents(resource, self.runner.region)
        timeout = await _seconds(self.state.timeout, "TimeoutSecondsPath", self.scope)
        heartbeat = await _seconds(self.state.heartbeat, "HeartbeatSecondsPath", self.scope)
        if history is None:
            given = payload_text(self.texts, self.parameters, str(self.state.name))
            begun = events.scheduled(self.chain, given, timeout, heartbeat)
            self._expect(begun)
        else:
            begun = history.own_events[0]
        deadline = None if timeout is None else begun.at + timeout
        try:
            result = await with_deadline(self.clock, deadline, self._result(events, heartbeat, history))
            text = payload_text(self.texts, result, events.label)
        except DeadlineError:
            failure = TimedOutError()
            events.failed(self.chain, failure)
            raise failure from None
        except StateFailedError as failure:
            events.failed(self.chain, failure)
            raise
        finally:
            self._delete_token()
        events.succeeded(self.chain, text)
        return result

    def _expect(self, begun: Event) -> None:
        if self.token is not None:
            assert self.runner.callbacks is not None
            self.runner.callbacks.expect(self.token, self.scope.context["Execution"]["Id"], begun.id)

    def _delete_token(self) -> None:
        if self.token is not None and not self.chain.recorder.closed:
            assert self.runner.callbacks is not None
            self.runner.callbacks.forget(self.token)

    async def _result(self, events: TaskEvents, heartbeat: int | None, history: ChainHistory | None) -> Any:
        resource = self.state.target
        if resource.is_activity:
            return await self._activity(heartbeat, history)
        if not resource.pattern:
            return await self.runner.run(resource, self.parameters, self.scope.context)
        submitted = history.last("TaskSubmitted") if history else None
        if submitted is not None and submitted.details is not None:
            response = json.loads(submitted.details["output"])
        else:
            response = await self.runner.run(resource, self.parameters, self.scope.context)
            events.submitted(self.chain, self.texts.of(response))
        if resource.waits:
            return await self._job(response)
        assert self.token is not None
        assert self.runner.callbacks is not None
        return await self.runner.callbacks.wait_for_output(self.token, heartbeat)

    async def _job(self, response: Any) -> Any:
        """Wait for the job that the task has started, or for a caller that returns the token; return the result.

        A job whose task a caller has ended continues: what AWS does with it is not known.
        """
        resource = self.state.target
        waiting = [asyncio.ensure_future(self.runner.wait(resource, self.parameters, response))]
        if self.token is not None:  # a folder of an earlier release has no tokens for such tasks
            assert self.runner.callbacks is not None
            waiting.append(asyncio.ensure_future(self.runner.callbacks.wait_for_output(self.token, None)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not self.chain.recorder.closed:  # the execution was stopped, or the task timed out
                self.runner.abandon(resource, self.parameters, response)
            raise
        finally:
            for each in waiting:
                each.cancel()
        return next(each for each in waiting if each.done()).result()

    async def _activity(self, heartbeat: int | None, history: ChainHistory | None) -> Any:
        def started(worker: str | None) -> None:
            self.chain.record("ActivityStarted", {} if worker is None else {"workerName": worker})

        assert self.runner.activities is not None
        assert self.token is not None
        taken = history is not None and history.last("ActivityStarted") is not None
        task = None if taken else ActivityTask(self.token, self.texts.of(self.parameters), started)
        return await self.runner.activities.run_task(self.state.target.arn, task, self.token, heartbeat)


async def _seconds(given: int | Path | JsonataQuery | None, field: str, scope: EvaluationScope) -> int | None:
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
