"""Parallel and inline Map: several chains below one state."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from scones.cloud.services.stepfunctions.asl.definition import Map, Parallel, Task
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError, StateFailedError
from scones.cloud.services.stepfunctions.asl.map_numbers import whole_number
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import ChainHistory, StateVisit
from scones.cloud.services.stepfunctions.execution.concurrency import INLINE_CONCURRENCY, ConcurrentWork
from scones.cloud.services.stepfunctions.execution.payloads import ResultSize
from scones.cloud.services.stepfunctions.execution.state_runner import StateRunner


async def run_parallel(
    interpreter: StateRunner, state: Parallel, visit: StateVisit, value: Any, chain: Chain
) -> list[Any]:
    """Run all branches on the same input; return their outputs in order, or raise the first failure."""
    below = _begin_attempt(visit, chain, state, "ParallelStateStarted")
    outputs: list[Any] = [None] * len(state.branches)
    started = chain.previous
    ends: list[int] = []
    failed: list[Chain] = []
    size = ResultSize(state.name)

    async def work(index: int, previous: int) -> int:
        branch = chain.fork(f"{state.name}[{index}]", chain.item)
        branch.history, branch.previous = below.get(index), started
        try:
            output = await interpreter.run(state.branches[index], value, branch)
        except asyncio.CancelledError:
            branch.abort(failed[0].previous if failed else branch.previous)
            raise
        except Exception:
            failed.append(branch)
            _abort_failed(branch, below.get(index))
            raise
        outputs[index] = size.add(output, branch.size)
        ends.append(branch.previous)
        return previous

    branches = range(len(state.branches))
    try:
        await ConcurrentWork(interpreter.concurrency, len(branches), branches, started, work).run()
    except Exception:
        chain.previous = failed[0].previous
        raise
    chain.previous = max(ends)  # AWS continues from the branch that ended last
    size.check()
    _record_success(state, visit, chain)
    return outputs


async def run_map(
    interpreter: StateRunner, state: Map, visit: StateVisit, scope: EvaluationScope, chain: Chain
) -> list[Any]:
    """Run the processor for every item, at most MaxConcurrency at once; return the outputs in item order."""
    items = await items_of(state, scope)
    limit = min(await concurrency(state.max_concurrency, scope) or INLINE_CONCURRENCY, INLINE_CONCURRENCY)
    begun = _begin_attempt(visit, chain, state, "MapStateStarted", {"length": len(items)})
    started = chain.previous
    outputs: list[Any] = [None] * len(items)
    size = ResultSize(state.name)
    failed = [index for index in begun if begun[index].last("MapIterationFailed")]
    failures: list[Chain] = []
    # An iteration that failed before a crash fails again, and no other runs. Otherwise, the iterations that had begun
    # continue before others begin.
    pending = failed or [*begun, *(index for index in range(len(items)) if index not in begun)]

    async def work(index: int, previous: int) -> int:
        below = _iteration(state, chain, index, items[index], previous, begun.get(index))
        details = {"name": state.name, "index": index}
        if index not in begun:
            below.record("MapIterationStarted", details)
        try:
            value = await item_input(interpreter, state, visit, scope, below)
            outputs[index] = size.add(await interpreter.run(state.processor, value, below), below.size)
        except asyncio.CancelledError:
            previous = failures[0].previous if failures else below.previous
            below.recorder.record("MapIterationAborted", previous, details, below.scope)
            below.abort(previous)
            raise
        except (StateFailedError, EvaluationError) as error:
            failures.append(below)
            if index not in failed:
                below.record_unlinked("MapIterationFailed", details)
            _abort_failed(below, begun.get(index))
            chain.previous = below.previous
            if isinstance(error, EvaluationError):
                raise interpreter.failure(state, visit, chain, error) from error
            raise
        # AWS chains the next iteration to the last event inside this one, and the end of the state to
        # MapIterationSucceeded.
        ended = begun[index].last("MapIterationSucceeded") if index in begun else None
        last = below.previous
        succeeded = ended.id if ended else below.record("MapIterationSucceeded", details).id
        chain.previous = max(chain.previous, succeeded)
        return last

    await ConcurrentWork(interpreter.concurrency, limit, pending, started, work).run()
    size.check()
    _record_success(state, visit, chain)
    return outputs


def _abort_failed(chain: Chain, history: ChainHistory | None) -> None:
    """Record that the state in which a branch or iteration failed is aborted, unless its history shows that."""
    if history is None or not history.last("StateAborted"):
        chain.abort(chain.previous)


def _begin_attempt(
    visit: StateVisit, chain: Chain, state: Parallel | Map, kind: str, details: dict[str, Any] | None = None
) -> dict[int, ChainHistory]:
    """Begin an attempt, or continue the current one; return the recorded events of its branches or iterations."""
    past = visit.take_history()
    visit.attempt_begun = True
    if past is None:
        chain.record(kind, details)
        return {}
    chain.previous = past.own_events[0].id
    return past.children(state.name)


def _record_success(state: Parallel | Map, visit: StateVisit, chain: Chain) -> None:
    kind = f"{type(state).__name__}StateSucceeded"
    if kind not in visit.recorded_types:
        chain.record_unlinked(kind)


def record_failure(state: Task | Parallel | Map, failure: StateFailedError, visit: StateVisit, chain: Chain) -> None:
    """Record the final failure of a Parallel or Map; a task's own events already show its failure.

    If a fatal error occurs before the attempt begins, there is no such event, as recorded on AWS.
    """
    kind = f"{type(state).__name__}StateFailed"
    if (
        isinstance(state, (Parallel, Map))
        and (visit.attempt_begun or not failure.fatal)
        and kind not in visit.recorded_types
    ):
        chain.record(kind)


def _iteration(state: Map, chain: Chain, index: int, value: Any, previous: int, history: ChainHistory | None) -> Chain:
    below = chain.fork(f"{state.name}[{index}]", {"Index": index, "Value": value})
    below.history = history
    below.previous = history.own_events[0].id if history else previous
    return below


async def item_input(
    interpreter: StateRunner, state: Map, visit: StateVisit, scope: EvaluationScope, below: Chain
) -> Any:
    """Return the input of an iteration; the item is that of the iteration's chain, `below`."""
    assert below.item is not None
    if state.item_selector is None:
        return below.item["Value"]
    return await state.item_selector.evaluate(interpreter.scope(state, visit, below, scope.input))


async def items_of(state: Map, scope: EvaluationScope) -> list[Any]:
    """Return the items of an inline Map."""
    if isinstance(state.items, JsonataQuery):
        computed: list[Any] = await state.items.typed(scope, "array")
        return computed
    if state.items is not None:
        listed: list[Any] = await state.items.evaluate(scope)
        return listed
    items = scope.input if state.items_path is None else state.items_path.evaluate(scope)
    if not isinstance(items, list) and state.jsonata:
        message = f"Map state input must be an array but was: {dumps(items)}"
        raise EvaluationError(message, "States.QueryEvaluationError")
    if not isinstance(items, list):
        text = "$" if state.items_path is None else state.items_path.text
        raise EvaluationError(f'Reference path "{text}" must point to array.')
    return items


async def concurrency(given: int | Path | JsonataQuery, scope: EvaluationScope) -> int:
    """Return MaxConcurrency; 0 means as many as AWS allows."""
    if isinstance(given, int):
        return given
    if isinstance(given, JsonataQuery):
        return await whole_number("MaxConcurrency", given, scope) or 0
    value = given.evaluate(scope)
    if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        shown = value if isinstance(value, str) else dumps(value)
        raise EvaluationError(
            f'The MaxConcurrencyPath field refers to value "{shown}" which is not a valid integer: {given.text}'
        )
    return value
