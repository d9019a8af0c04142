"""Runs state machines without a cloud: the clock jumps instead of waiting, and tasks are plain functions."""

from __future__ import annotations

import asyncio
import heapq
import json
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scones.cloud.services.stepfunctions.asl import engines
from scones.cloud.services.stepfunctions.asl.definition import parse
from scones.cloud.services.stepfunctions.asl.evaluators import EvaluationJob, JobOwner
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.resources import Resource
from scones.cloud.services.stepfunctions.asl.text import JsonTexts
from scones.cloud.services.stepfunctions.evaluation.jobs import replies
from scones.cloud.services.stepfunctions.execution.asl_interpreter import AslInterpreter
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import ChainHistory, read_history
from scones.cloud.services.stepfunctions.execution.history import Event, EventRecorder, FailedAttempt
from scones.cloud.services.stepfunctions.execution.scheduler import TurnScheduler
from scones.cloud.services.stepfunctions.execution.task_tokens import TaskTokens
from scones.cloud.services.stepfunctions.execution.tasks import TaskRunner
from scones.cloud.services.stepfunctions.validation.definition import diagnose

engines.enable()

NOW = 1_000_000_000.0
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:work"
INVOKE = "arn:aws:states:::lambda:invoke"


class JumpingClock:
    """Clock that stops while there is work, and jumps to the next alarm when every task waits."""

    def __init__(self) -> None:
        self.time = NOW
        self._alarms: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> float:
        return self.time

    async def sleep_until(self, moment: float) -> None:
        alarm = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._alarms, (moment, self._count, alarm))
        await alarm

    async def drive(self, task: asyncio.Future[Any]) -> None:
        while not task.done():
            for _ in range(50):
                await asyncio.sleep(0)
            self._alarms = [alarm for alarm in self._alarms if not alarm[2].done()]
            heapq.heapify(self._alarms)
            if self._alarms and not task.done():
                moment, _, alarm = heapq.heappop(self._alarms)
                self.time = max(self.time, moment)
                alarm.set_result(None)


@dataclass
class Run:
    """Result of a run: its output or failure, its events, and its duration in seconds."""

    output: Any = None
    failure: StateFailedError | None = None
    events: list[Event] = field(default_factory=list)
    seconds: float = 0.0
    calls: list[tuple[str, Any]] = field(default_factory=list)
    failed_attempts: list[FailedAttempt] = field(default_factory=list)
    written: list[tuple[int, int]] = field(default_factory=list)
    """For each write of the journal: the number of events and the number of failed attempts so far."""

    def cut(self, events: int, failed_attempts: int) -> Run:
        """Return the run as a crash leaves it on disk: with its first events and failed attempts only."""
        return Run(events=self.events[:events], failed_attempts=self.failed_attempts[:failed_attempts])

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def chain(self) -> list[tuple[int, int, str]]:
        return [(event.id, event.previous, event.type) for event in self.events]

    def details(self, kind: str) -> list[dict[str, Any]]:
        return [event.details or {} for event in self.events if event.type == kind]


class DirectEvaluators:
    """Expression evaluators that run in this process instead of worker processes."""

    async def run(self, job: EvaluationJob, _owner: JobOwner) -> list[Any]:
        await asyncio.sleep(0)  # the journal may write earlier events here
        limits = resource.getrlimit(resource.RLIMIT_CPU)
        try:
            return list(replies(job.kind, job.arguments))
        finally:  # the job has limited the CPU time of this process
            resource.setrlimit(resource.RLIMIT_CPU, limits)


class CountingScheduler(TurnScheduler):
    """Scheduler that makes a chain wait after a fixed number of turns, so that the order never depends on the load."""

    def __init__(self, turns_per_wait: int) -> None:
        super().__init__()
        self._turns_per_wait = turns_per_wait
        self._turns = 0

    async def wait_turn(self, _owner: JobOwner) -> None:
        self._turns += 1
        if self._turns % self._turns_per_wait == 0:
            await asyncio.sleep(0)


class FakeTokens(TaskTokens):
    """Task tokens that nobody returns."""

    def __init__(self) -> None:
        pass

    def expect(self, token: str, execution: str, scheduled: int) -> None:
        """Do nothing, because no caller returns the token."""

    def expect_resumed(self, execution: str, scheduled: int) -> str | None:
        return f"{execution}:{scheduled}"

    def forget(self, token: str) -> None:
        """Do nothing, because no caller returns the token."""

    async def wait_for_output(self, token: str, heartbeat: float | None) -> Any:
        await asyncio.Event().wait()


class FakeTasks(TaskRunner):
    """Tasks whose result is a function of their parameters; the function may raise or return a coroutine."""

    region = "us-east-1"
    activities = None

    def __init__(self, work: Callable[[Any], Any], run: Run) -> None:
        self.callbacks = FakeTokens()
        self._work = work
        self._run = run

    async def run(self, resource: Resource, parameters: Any, _context: Any) -> Any:
        self._run.calls.append((resource.arn, parameters))
        result = self._work(parameters)
        return await result if asyncio.iscoroutine(result) else result

    async def wait(self, resource: Resource, parameters: Any, answer: Any) -> Any:
        self._run.calls.append((f"{resource.arn} is waited for", parameters))
        await asyncio.sleep(0)
        return answer

    def abandon(self, resource: Resource, parameters: Any, answer: Any) -> None:
        self._run.calls.append((f"{resource.arn} is abandoned", parameters))


def interpret(
    definition: dict[str, Any],
    value: Any = None,
    work: Callable[[Any], Any] = lambda given: given,
    turns_per_wait: int = 25,
) -> Run:
    """Run a definition on an input; `work` returns its tasks' results; a chain waits after `turns_per_wait` turns."""
    text = json.dumps(definition)
    assert diagnose(text, "STANDARD") == []
    return _run(text, JsonTexts(json.dumps({} if value is None else value, ensure_ascii=False)), work, turns_per_wait)


def resume(definition: dict[str, Any], value: Any, work: Callable[[Any], Any], before: Run) -> Run:
    """Resume a definition from the history of another run, as after a crash; a chain waits after every turn."""
    texts = JsonTexts(json.dumps(value))
    past = read_history(before.events, before.failed_attempts, texts)
    return _run(json.dumps(definition), texts, work, 1, before, past)


def redrive(definition: dict[str, Any], value: Any, work: Callable[[Any], Any], before: Run) -> Run:
    """Redrive another run: run the unsuccessful states again."""
    last = before.events[-1]
    again = Event(last.id + 1, last.id, "ExecutionRedriven", last.at, {"redriveCount": 1})
    return resume(definition, value, work, Run(events=[*before.events, again], failed_attempts=before.failed_attempts))


def _run(
    text: str,
    texts: JsonTexts,
    work: Callable[[Any], Any],
    turns_per_wait: int,
    before: Run | None = None,
    past: ChainHistory | None = None,
) -> Run:
    run, clock = Run(), JumpingClock()
    if before is not None and before.events:
        run.events, run.failed_attempts = list(before.events), list(before.failed_attempts)
        clock.time = before.events[-1].at
    context = {"Execution": {"Id": "execution-arn", "Input": texts.root, "Name": "run"}, "StateMachine": {"Name": "m"}}

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def write() -> None:
            run.written.append((len(run.events), len(run.failed_attempts)))

        def append(event: Event) -> None:
            run.events.append(event)
            loop.call_soon(write)

        def note(attempt: FailedAttempt) -> None:
            run.failed_attempts.append(attempt)
            loop.call_soon(write)

        recorder = EventRecorder(append, clock.now, note, len(run.events))
        chain = Chain(recorder, "", 0, {}, history=past)
        interpreter = AslInterpreter(
            context, texts, FakeTasks(work, run), clock, DirectEvaluators(), CountingScheduler(turns_per_wait)
        )
        task = asyncio.ensure_future(interpreter.run(parse(text), texts.root, chain))
        await clock.drive(task)
        try:
            run.output = task.result()
        except StateFailedError as failure:
            run.failure = failure

    asyncio.run(main())
    run.seconds = clock.time - NOW
    return run


def single(state: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """Return a definition that starts with `state`; `others` are the states that may follow it."""
    if "Next" not in state and state["Type"] not in ("Succeed", "Fail", "Choice"):
        state = {**state, "End": True}
    return {"StartAt": "A", "States": {"A": state, **others}}


def fail(error: str, cause: str = "why") -> Callable[[Any], Any]:
    """Return a task function that always fails."""

    def work(_: Any) -> Any:
        raise StateFailedError(error, cause)

    return work
