"""The distributed Map: a Map Run with one child execution for every item or batch.

A Map Run and its children are on disk before the first child starts. So a Map state that is resumed after a crash, or
redriven, continues with the children that have not ended.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.stepfunctions.asl.definition import Map
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError, StateFailedError
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import StateVisit
from scones.cloud.services.stepfunctions.execution.execution import Execution
from scones.cloud.services.stepfunctions.execution.fanout import concurrency, items_of
from scones.cloud.services.stepfunctions.execution.history import Event, failure_details
from scones.cloud.services.stepfunctions.execution.state_runner import StateRunner
from scones.cloud.services.stepfunctions.map_run.limits import MapRunLimits, limits_of
from scones.cloud.services.stepfunctions.map_run.map_run import MapRun, MapRuns


@dataclass(frozen=True, slots=True)
class ExecutionMapRuns:
    """Begins or resumes the Map Runs of one execution."""

    runs: MapRuns
    execution: Execution

    def begin(self, state: Map, limits: MapRunLimits) -> MapRun:
        """Begin a Map Run; it reaches the disk together with the next events."""
        # The machine of a child execution also has a label; AWS's form for nested Map Runs is unknown.
        machine = self.execution.machine.partition("/")[0]
        label = _label(state, machine)
        arn = f"{machine.replace(':stateMachine:', ':mapRun:', 1)}/{label}:{uuid.uuid4()}"
        number = self.runs.next_id()
        self.runs.journal.add(
            "INSERT INTO sfn_map_runs (id, arn, execution, machine, status, started, max_concurrency, tolerated_count,"
            " tolerated_percentage) VALUES (?, ?, ?, ?, 'RUNNING', ?, ?, ?, ?)",
            *(number, arn, self.execution.arn, f"{machine}/{label}", time.time()),
            *(limits.concurrency, limits.count, limits.percentage),
        )
        return MapRun(
            self.runs,
            self.execution,
            state,
            number=number,
            arn=arn,
            machine=f"{machine}/{label}",
            limits=limits,
            ready=False,
        )

    def resume(self, state: Map, begun: Event, redriven: Event | None, chain: Chain) -> MapRun:
        """Resume the Map Run that an earlier process began, or redrive it if it has ended."""
        assert begun.details is not None
        row = self.runs.cloud.store.row("SELECT * FROM sfn_map_runs WHERE arn = ?", begun.details["mapRunArn"])
        assert row is not None
        chain.previous = (redriven or begun).id
        limits = MapRunLimits(row["max_concurrency"], row["tolerated_count"], row["tolerated_percentage"])
        run = MapRun(
            self.runs,
            self.execution,
            state,
            number=row["id"],
            arn=row["arn"],
            machine=row["machine"],
            limits=limits,
            ready=bool(row["ready"]),
        )
        if row["status"] != "RUNNING":
            run.redrive()
            chain.record("MapRunRedriven", {"mapRunArn": run.arn, "redriveCount": row["redrives"] + 1})
        return run


def _label(state: Map, machine: str) -> str:
    """Return a Map's Label, or a generated one that is always the same for this machine and state."""
    assert state.distribution is not None
    return state.distribution.label or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{machine}/{state.name}"))


async def run_map(
    interpreter: StateRunner,
    map_runs: ExecutionMapRuns,
    state: Map,
    visit: StateVisit,
    scope: EvaluationScope,
    chain: Chain,
) -> Any:
    """Run a child execution for every item or batch; return the outputs, or their location in S3."""
    assert state.distribution is not None
    distribution = state.distribution
    await concurrency(state.max_concurrency, scope)  # AWS checks this before the state starts, and the rest after
    items = None if distribution.reader else await items_of(state, scope)
    past = visit.take_history()
    begun = past.last("MapRunStarted") if past else None
    if past is None or begun is None:
        chain.record("MapStateStarted", {"length": len(items or ())})
        run = map_runs.begin(state, await limits_of(state, scope))
        chain.record("MapRunStarted", {"mapRunArn": run.arn})
    else:
        run = map_runs.resume(state, begun, past.last("MapRunRedriven"), chain)
    visit.attempt_begun = True
    try:
        result = await run.perform(interpreter, visit, scope, chain, items)
    except asyncio.CancelledError:
        if not chain.recorder.closed:
            await run.abort()
            chain.record_unlinked("MapRunAborted")
        raise
    except (StateFailedError, EvaluationError) as error:
        failure = error
        if isinstance(error, EvaluationError):
            failure = interpreter.failure(state, visit, chain, error)
        assert isinstance(failure, StateFailedError)
        run.end("FAILED")
        chain.record("MapRunFailed", failure_details(failure))
        raise failure from error
    run.end("SUCCEEDED")
    _record_success(chain)
    return result


def _record_success(chain: Chain) -> None:
    """Record the success of the Map Run and of the state; the next event of the chain does not follow these events.

    In recordings from before November 2024, AWS chained MapStateExited to MapRunSucceeded. Since then, it has chained
    it to MapRunStarted (in all recordings with JSONata or variables, which are newer).
    """
    started = chain.previous
    chain.record("MapRunSucceeded")
    chain.record("MapStateSucceeded")
    chain.previous = started
