"""Standard executions: starting, running, stopping, redriving, and resumption after a crash."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import Any

from scones.cloud.core.resumption import ResumableWork, describe
from scones.cloud.core.store import WAIT_FOR_SPACE
from scones.cloud.errors import DiskFullError, ServiceError
from scones.cloud.services.stepfunctions.asl.definition import StateGroup
from scones.cloud.services.stepfunctions.asl.evaluators import JobOwner
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import JsonTexts
from scones.cloud.services.stepfunctions.execution import chain_history as resume
from scones.cloud.services.stepfunctions.execution.announcements import announce_execution
from scones.cloud.services.stepfunctions.execution.asl_interpreter import AslInterpreter
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.clock import DeadlineClock, DeadlineError, WallClock, with_deadline
from scones.cloud.services.stepfunctions.execution.execution import (
    MAX_STOPPED_AT_ONCE,
    ChildExecution,
    Execution,
    context_object,
)
from scones.cloud.services.stepfunctions.execution.execution_context import ExecutionContext
from scones.cloud.services.stepfunctions.execution.execution_metrics import count_end, count_start
from scones.cloud.services.stepfunctions.execution.history import (
    Event,
    EventRecorder,
    FailedAttempt,
    failure_details,
    started_details,
)
from scones.cloud.services.stepfunctions.execution.journal import Journal
from scones.cloud.services.stepfunctions.execution.quota import RunningQuota
from scones.cloud.services.stepfunctions.execution.stored_executions import END, StoredExecutions
from scones.cloud.services.stepfunctions.execution.tasks import NOT_TRUNCATED, TaskRunner
from scones.cloud.services.stepfunctions.map_run.distributed import ExecutionMapRuns
from scones.cloud.services.stepfunctions.map_run.map_run import MapRuns
from scones.cloud.services.stepfunctions.state_machines import Revision, StateMachine

log = logging.getLogger(__name__)

_REDRIVE = "INSERT INTO sfn_redrives (execution, number, at, token) VALUES (?, ?, ?, ?)"
_LIMIT_EXCEEDED = (
    "The maximum number of running executions has been reached. Running executions must end or be stopped before a new "
    "execution can be started."
)
_RUN_AGAIN = (
    "UPDATE sfn_executions SET status = 'RUNNING', output = NULL, error = NULL, cause = NULL, stopped = NULL"
    " WHERE id = ?"
)


class Executions:
    """All Standard executions of one cloud; those that have ended exist only as rows."""

    def __init__(self, shared: ExecutionContext, journal: Journal, tasks: TaskRunner) -> None:
        self._cloud = shared.cloud
        self._shared = shared
        self._journal = journal
        self._stored = StoredExecutions(shared.cloud.store)
        self._clock = WallClock()
        self._tasks = tasks
        self._last = 0
        self.map_runs = MapRuns(shared.cloud, journal, self)
        self.running: dict[str, Execution] = {}
        self.quota = RunningQuota()

    async def start(self, arn: str, name: str, machine: StateMachine, text: str, trace: str | None) -> float:
        """Start an execution; return its start in Unix seconds once that is on disk.

        Raises ExecutionLimitExceeded if the quota is used up.
        """
        if self.quota.is_exceeded_by(text):
            raise ServiceError("ExecutionLimitExceeded", _LIMIT_EXCEEDED)
        self._journal.flush()
        execution = self._begin(
            arn, name, machine.arn, text, machine.revision, trace, version=machine.version, alias=machine.alias
        )
        execution.start_written = self._journal.flush(wait_for_space=WAIT_FOR_SPACE.get())
        self._spawn(execution)
        try:
            await self.started(execution)
        except (sqlite3.Error, DiskFullError):  # the execution does not exist, and the caller gets the error
            await self._discard(execution)
            raise
        count_start(self._cloud.metrics, execution)
        announce_execution(self._cloud, execution, "RUNNING")
        return execution.started

    async def _discard(self, execution: Execution) -> None:
        """Remove an execution whose start is not on disk, and everything that it has recorded since."""
        execution.chain.recorder.close()
        await self._cancel(execution)
        self._forget(execution)
        for table in ("sfn_events", "sfn_failed_attempts"):
            self._journal.add(f"DELETE FROM {table} WHERE execution = ?", execution.id)  # noqa: S608

    async def started(self, execution: Execution) -> float:
        """Return the start of a running execution in Unix seconds, once that is on disk."""
        if execution.start_written is not None:
            await asyncio.shield(execution.start_written)
        return execution.started

    def start_child(
        self, arn: str, name: str, machine: str, text: str, revision: Revision, child: ChildExecution
    ) -> Execution:
        """Start a child execution of a distributed Map; it reaches the disk with the next journal flush."""
        execution = self._begin(arn, name, machine, text, revision, None)
        execution.child = child
        self._spawn(execution)
        return execution

    async def resume_child(self, row: sqlite3.Row, child: ChildExecution, *, redriven: bool = False) -> None:
        """Resume a child execution that an earlier process left unfinished, or redrive it."""
        if redriven:
            await self.redrive(row, None, child)
            return
        last = self._stored.last_event(row["id"])
        await self._cloud.resumption.resume(self._resumable(row["id"], row["arn"], last, child))

    def _begin(
        self,
        arn: str,
        name: str,
        machine: str,
        text: str,
        revision: Revision,
        trace: str | None,
        *,
        version: str | None = None,
        alias: str | None = None,
    ) -> Execution:
        self._last += 1
        execution = self._execution(self._last, arn, name, machine, text, started=self._clock.now(), revision=revision)
        execution.version, execution.alias = version, alias
        self._journal.add(
            "INSERT INTO sfn_executions"
            " (id, arn, name, machine, version, alias, revision, status, input, trace, started)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'RUNNING', ?, ?, ?)",
            *(execution.id, arn, name, machine, version, alias, revision.id, text, trace, execution.started),
        )
        execution.chain.recorder.record("ExecutionStarted", 0, started_details(text, revision.role, version, alias))
        return execution

    async def stop(self, arn: str, error: str | None, cause: str | None) -> float:
        """Abort an execution if it runs; return its end in Unix seconds, once that is on disk."""
        await self._abort(arn, error, cause)
        return self._stored.end_of(arn)

    async def _abort(self, arn: str, error: str | None, cause: str | None) -> None:
        execution = self.running.get(arn)
        if execution is not None:
            if not execution.ended:
                await self._cancel(execution)
            ending = self._cloud.spawn(self._end(execution, "ABORTED", StateFailedError(error, cause), None), arn)
            await self._cloud.store.unless_full(asyncio.shield(ending))

    def stop_machine(self, machine: str) -> None:
        """Abort the executions of a deleted machine, in the background."""
        arns = [execution.arn for execution in self.running.values() if execution.machine == machine]
        if arns:
            self._cloud.spawn(self._stop_all(arns), machine)

    async def _stop_all(self, arns: list[str]) -> None:
        for begin in range(0, len(arns), MAX_STOPPED_AT_ONCE):
            together = arns[begin : begin + MAX_STOPPED_AT_ONCE]
            await asyncio.gather(*(self._abort(arn, None, None) for arn in together))

    async def redrive(self, row: sqlite3.Row, token: str | None, child: ChildExecution | None = None) -> float:
        """Run the unsuccessful steps again; return the time of the redrive in Unix seconds, once it is on disk."""
        events = await self._stored.events(row["id"])
        running = self.running.get(row["arn"])
        if running is not None and running.ended and running.task is not None:  # its end is just being written to disk
            await asyncio.wait({running.task})
        elif running is not None:  # another redrive came first
            await self._journal.flushed()
            return running.since
        execution = self._continued(row, events)
        execution.child = child
        execution.redrives += 1
        execution.since = self._clock.now()
        self._journal.add(_REDRIVE, row["id"], execution.redrives, execution.since, token)
        self._journal.add(_RUN_AGAIN, row["id"])
        details = {"redriveCount": execution.redrives}
        event = execution.chain.recorder.record("ExecutionRedriven", events[-1].id, details)
        execution.chain.history = resume.read_history([*events, event], (), JsonTexts(row["input"]))
        self._spawn(execution)
        await self._journal.flushed()
        if child is None:
            announce_execution(self._cloud, execution, "RUNNING")
        return execution.since

    def plan_resumption(self) -> None:
        """Plan the resumption of every execution that an earlier process left running."""
        self._last = self._stored.last_number()
        self._cloud.resumption.plan(
            self._resumable(row["id"], row["arn"], row["last"]) for row in self._stored.to_resume()
        )

    def _resumable(self, number: int, arn: str, last: int | None, child: ChildExecution | None = None) -> ResumableWork:
        async def take_up() -> None:
            row = self._stored.running(number)
            if row is None or arn in self.running:
                return
            if child is None and not self._stored.has_machine(row["machine"]):
                # The cloud ended after the machine was deleted.
                await self.close(number, "ABORTED", StateFailedError(None, None))
                return
            await self._resume(row, child)

        async def give_up(reason: str) -> None:
            cause = f"The local cloud could not resume this execution: {reason}."
            await self.close(number, "FAILED", StateFailedError("States.Runtime", cause))
            if child is not None:
                child.on_end("FAILED")

        return ResumableWork("execution", arn, take_up, give_up, f"event {last}")

    async def close(self, number: int, status: str, failure: StateFailedError) -> float:
        """End an execution that is not in memory as FAILED or ABORTED, and its Map Runs.

        Returns its end in Unix seconds, once that is on disk; the earlier end if it had ended already.
        """
        return await self._stored.close(number, status, failure, self._clock.now())

    async def suspend(self) -> None:
        """Stop all work without ending any execution; the next process resumes them."""
        for execution in self.running.values():
            if not execution.ended:
                execution.chain.recorder.close()
        await self._journal.flushed()
        await asyncio.gather(*(self._cancel(execution) for execution in tuple(self.running.values())))
        await self._shared.logs.flush()

    async def _resume(self, row: sqlite3.Row, child: ChildExecution | None = None) -> None:
        events = await self._stored.events(row["id"])
        execution = self._continued(row, events)
        execution.child = child
        failed = self._stored.failed_attempts(row["id"])
        execution.chain.history = resume.read_history(events, failed, JsonTexts(row["input"]))
        self._spawn(execution)

    def _continued(self, row: sqlite3.Row, events: list[Event]) -> Execution:
        """Return an execution that an earlier process started or that has ended, to continue after its last event."""
        revision = self._stored.revision(row["revision"])
        if not events:
            raise ValueError("its history is missing")
        execution = self._execution(
            row["id"],
            row["arn"],
            row["name"],
            row["machine"],
            row["input"],
            started=row["started"],
            revision=revision,
        )
        execution.version, execution.alias = row["version"], row["alias"]
        if (redrive := self._stored.last_redrive(row["id"])) is not None:
            execution.redrives, execution.since = redrive
        execution.chain.recorder.last = events[-1].id
        return execution

    def _execution(
        self, number: int, arn: str, name: str, machine: str, text: str, *, started: float, revision: Revision
    ) -> Execution:
        entries = self._shared.logs.of(revision, arn)

        def append(event: Event) -> None:
            self._journal.event(number, event)
            if entries is not None:
                entries.add(event, execution.redrives)

        def note(attempt: FailedAttempt) -> None:
            self._journal.failed_attempt(number, attempt)

        chain = Chain(EventRecorder(append, self._clock.now, note), "", 0, {})
        execution = Execution(number, arn, name, machine, text, started, revision, chain, since=started)
        return execution

    def _spawn(self, execution: Execution) -> None:
        self.running[execution.arn] = execution
        self.quota.add(execution.input)
        execution.task = self._cloud.spawn(self._run(execution), execution.arn)

    def _forget(self, execution: Execution) -> None:
        self.quota.remove(execution.input)
        if self.running.get(execution.arn) is execution:  # it may have been redriven in the meantime
            del self.running[execution.arn]

    async def _cancel(self, execution: Execution) -> None:
        assert execution.task is not None
        execution.task.cancel()
        await asyncio.gather(execution.task, return_exceptions=True)

    async def _run(self, execution: Execution) -> None:
        # Thousands of executions may start at the same time.
        await self._shared.scheduler.wait_turn(JobOwner(execution.machine, execution.arn))
        texts = JsonTexts(execution.input)
        try:
            output = texts.of(await self._output(execution, texts))
        except DeadlineError:
            await self._end(execution, "TIMED_OUT", None, None)
        except StateFailedError as failure:
            await self._end(execution, "FAILED", failure, None)
        except Exception as error:
            log.exception("Internal error while running execution %s", execution.arn)
            cause = f"Internal error of the local cloud ({describe(error)}); see its log."
            internal = StateFailedError("States.Runtime", cause)
            await self._end(execution, "FAILED", internal, None)
        else:
            await self._end(execution, "SUCCEEDED", None, output)

    async def _output(self, execution: Execution, texts: JsonTexts) -> Any:
        group: StateGroup
        if execution.child is None:
            group = machine = await self._shared.definitions.get(execution.revision.definition)
            seconds = machine.timeout
        else:
            group, seconds = execution.child.group, execution.child.timeout
        deadline = None if seconds is None else execution.since + seconds
        clock = self._clock if deadline is None else DeadlineClock(self._clock, deadline)
        interpreter = AslInterpreter(
            context_object(execution, texts),
            texts,
            self._tasks,
            clock,
            self._shared.evaluators,
            self._shared.scheduler,
            map_runs=ExecutionMapRuns(self.map_runs, execution),
            journal=self._journal,
        )
        return await with_deadline(self._clock, deadline, interpreter.run(group, texts.root, execution.chain))

    async def _end(
        self, execution: Execution, status: str, failure: StateFailedError | None, output: str | None
    ) -> None:
        """Record the last event and the status together, and drop the execution from memory once they are on disk."""
        if execution.ended:
            await self._journal.flushed()
            return
        if execution.chain.recorder.closed:  # the cloud stops: the next process ends it
            return
        execution.ended = True
        if status == "SUCCEEDED":
            event = execution.chain.record("ExecutionSucceeded", {"output": output, "outputDetails": NOT_TRUNCATED})
        elif failure is None:
            event = execution.chain.recorder.record("ExecutionTimedOut", 0, {"error": "States.Timeout"})
        else:
            kind = "ExecutionAborted" if status == "ABORTED" else "ExecutionFailed"
            previous = 0 if status == "ABORTED" else execution.chain.previous  # as recorded on AWS
            event = execution.chain.recorder.record(kind, previous, failure_details(failure))
        error, cause = (failure.error, failure.cause) if failure else (None, None)
        written = self._journal.add(END, status, output, error, cause, event.at, execution.arn)
        if execution.child is not None:
            execution.child.on_end(status)
        await asyncio.shield(written)  # other executions wait for the same batch
        self._forget(execution)
        if execution.child is None:
            count_end(self._cloud.metrics, execution, status, event.at)
            announce_execution(self._cloud, execution, status, event.at, output, failure)
