"""One attempt of a Task: its events, its time-outs, and the resource behind it."""

from __future__ import annotations

from typing import Any, Protocol

from scones.cloud.services.states.clock import Clock, DeadlineError, before
from scones.cloud.services.states.definition import Task
from scones.cloud.services.states.failures import (
    EvaluationError,
    StateFailedError,
    TimedOutError,
    data_limit_exceeded,
)
from scones.cloud.services.states.history import Track, failure_details
from scones.cloud.services.states.paths import Path, Scope
from scones.cloud.services.states.queries import JsonataQuery
from scones.cloud.services.states.text import Texts, dumps, too_large

WHOLE: dict[str, bool] = {"truncated": False}
"""What AWS says beside every payload in a history."""


class TaskRunner(Protocol):
    """Calls the resource of a Task."""

    region: str

    async def run(self, resource: str, parameters: Any) -> Any:
        """Return the resource's result, or raise `StateFailedError`."""


class TaskEvents:
    """The family of events that a resource has: LambdaFunction… for a function's ARN, Task… for an integration."""

    def __init__(self, resource: str, region: str) -> None:
        self.function = resource.split(":")[2] == "lambda"
        self._resource = resource
        self._region = region
        kind, _, name = resource.split(":", 5)[5].rpartition(":")
        self._names = {} if self.function else {"resource": name, "resourceType": kind}
        self.label = resource if self.function else kind
        self._prefix = "LambdaFunction" if self.function else "Task"

    def scheduled(self, track: Track, text: str, timeout: int | None, heartbeat: int | None) -> None:
        """Record that the task was scheduled and has started."""
        limits = {"timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}
        given = {name: seconds for name, seconds in limits.items() if seconds is not None}
        if self.function:
            track.record(
                "LambdaFunctionScheduled", {"input": text, "inputDetails": WHOLE, "resource": self._resource, **given}
            )
            track.record("LambdaFunctionStarted")
        else:
            track.record("TaskScheduled", {"parameters": text, "region": self._region, **self._names, **given})
            track.record("TaskStarted", dict(self._names))

    def succeeded(self, track: Track, text: str) -> None:
        """Record the result."""
        track.record(f"{self._prefix}Succeeded", {"output": text, "outputDetails": WHOLE, **self._names})

    def failed(self, track: Track, failure: StateFailedError) -> None:
        """Record a failure or a time-out."""
        end = "TimedOut" if isinstance(failure, TimedOutError) else "Failed"
        track.record(self._prefix + end, failure_details(failure, **self._names))


async def attempt(
    state: Task, parameters: Any, scope: Scope, track: Track, texts: Texts, runner: TaskRunner, clock: Clock
) -> Any:
    """Run a task once, with its events; return the result or raise `StateFailedError`."""
    events = TaskEvents(state.resource, runner.region)
    timeout = _seconds(state.timeout, "TimeoutSecondsPath", scope)
    heartbeat = _seconds(state.heartbeat, "HeartbeatSecondsPath", scope)
    events.scheduled(track, texts.of(parameters), timeout, heartbeat)
    deadline = None if timeout is None else clock.now() + timeout
    try:
        result = await before(clock, deadline, runner.run(state.resource, parameters))
        text = texts.of(result)
        if too_large(text):
            raise data_limit_exceeded(events.label)
    except DeadlineError:
        failure = TimedOutError()
        events.failed(track, failure)
        raise failure from None
    except StateFailedError as failure:
        events.failed(track, failure)
        raise
    events.succeeded(track, text)
    return result


def _seconds(given: int | Path | JsonataQuery | None, field: str, scope: Scope) -> int | None:
    if isinstance(given, JsonataQuery):
        seconds: int = given.typed(scope, "number")
        return seconds
    if not isinstance(given, Path):
        return given
    value = given.evaluate(scope)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise EvaluationError(
            f"The {field} parameter does not reference a positive integer: {given.text} == {dumps(value)}"
        )
    return value
