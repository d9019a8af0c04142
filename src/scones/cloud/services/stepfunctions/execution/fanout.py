"""Parallel and inline Map: several chains below one state."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from scones.cloud.services.stepfunctions.asl.definition import Map, Parallel, Task
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError, StateFailedError
from scones.cloud.services.stepfunctions.asl.map_numbers import whole_number
from scones.cloud.services.stepfunctions.asl.paths import Path, Scope
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.execution.concurrency import INLINE_CONCURRENCY, ConcurrentWork
from scones.cloud.services.stepfunctions.execution.history import Track
from scones.cloud.services.stepfunctions.execution.payloads import ResultSize

if TYPE_CHECKING:
    from scones.cloud.services.stepfunctions.execution.interpreter import Interpreter
    from scones.cloud.services.stepfunctions.execution.resume import Entry, Past


async def run_parallel(interpreter: Interpreter, state: Parallel, entry: Entry, value: Any, track: Track) -> list[Any]:
    """Run all branches on the same input; return their outputs in order, or raise the first failure."""
    below = _open(entry, track, state, "ParallelStateStarted")
    outputs: list[Any] = [None] * len(state.branches)
    started = track.previous
    ends: list[int] = []
    failed: list[Track] = []
    size = ResultSize(state.name)

    async def work(index: int, previous: int) -> int:
        branch = track.fork(f"{state.name}[{index}]", track.item)
        branch.past, branch.previous = below.get(index), started
        try:
            output = await interpreter.run(state.branches[index], value, branch)
        except Exception:
            failed.append(branch)
            raise
        outputs[index] = size.keep(output, branch.size)
        ends.append(branch.previous)
        return previous

    branches = range(len(state.branches))
    try:
        await ConcurrentWork(interpreter.concurrency, len(branches), branches, started, work).run()
    except Exception:
        track.previous = failed[0].previous
        raise
    track.previous = max(ends)  # AWS continues from the branch that ended last
    size.check()
    _record_success(state, entry, track)
    return outputs


async def run_map(interpreter: Interpreter, state: Map, entry: Entry, scope: Scope, track: Track) -> list[Any]:
    """Run the processor for every item, at most MaxConcurrency at once; return the outputs in item order."""
    items = await items_of(state, scope)
    limit = min(await concurrency(state.max_concurrency, scope) or INLINE_CONCURRENCY, INLINE_CONCURRENCY)
    begun = _open(entry, track, state, "MapStateStarted", {"length": len(items)})
    started = track.previous
    outputs: list[Any] = [None] * len(items)
    size = ResultSize(state.name)
    failed = [index for index in begun if begun[index].last("MapIterationFailed")]
    # An iteration that failed before a crash fails again, and no other runs. Otherwise, the iterations that had begun
    # continue before others begin.
    pending = failed or [*begun, *(index for index in range(len(items)) if index not in begun)]

    async def work(index: int, previous: int) -> int:
        below = _iteration(state, track, index, items[index], previous, begun.get(index))
        about = {"name": state.name, "index": index}
        if index not in begun:
            below.record("MapIterationStarted", about)
        try:
            value = await item_input(interpreter, state, entry, scope, below)
            outputs[index] = size.keep(await interpreter.run(state.processor, value, below), below.size)
        except asyncio.CancelledError:
            below.record_aside("MapIterationAborted", about)
            raise
        except (StateFailedError, EvaluationError) as error:
            if index not in failed:
                below.record_aside("MapIterationFailed", about)
            track.previous = below.previous
            if isinstance(error, EvaluationError):
                raise interpreter.failure(state, entry, track, error) from error
            raise
        # AWS chains the next iteration to the last event inside this one, and the end of the state to
        # MapIterationSucceeded.
        ended = begun[index].last("MapIterationSucceeded") if index in begun else None
        last = below.previous
        succeeded = ended.id if ended else below.record("MapIterationSucceeded", about).id
        track.previous = max(track.previous, succeeded)
        return last

    await ConcurrentWork(interpreter.concurrency, limit, pending, started, work).run()
    size.check()
    _record_success(state, entry, track)
    return outputs


def _open(
    entry: Entry, track: Track, state: Parallel | Map, kind: str, details: dict[str, Any] | None = None
) -> dict[int, Past]:
    """Begin an attempt, or continue the current one; return the recorded events of its branches or iterations."""
    past = entry.take_past()
    entry.opened = True
    if past is None:
        track.record(kind, details)
        return {}
    track.previous = past.own[0].id
    return past.below(state.name)


def _record_success(state: Parallel | Map, entry: Entry, track: Track) -> None:
    kind = f"{type(state).__name__}StateSucceeded"
    if kind not in entry.recorded:
        track.record_aside(kind)


def record_failure(state: Task | Parallel | Map, failure: StateFailedError, entry: Entry, track: Track) -> None:
    """Record the final failure of a Parallel or Map; a task's own events already show its failure.

    If a fatal error occurs before the attempt begins, there is no such event, as recorded on AWS.
    """
    kind = f"{type(state).__name__}StateFailed"
    if isinstance(state, (Parallel, Map)) and (entry.opened or not failure.fatal) and kind not in entry.recorded:
        track.record(kind)


def _iteration(state: Map, track: Track, index: int, value: Any, previous: int, past: Past | None) -> Track:
    below = track.fork(f"{state.name}[{index}]", {"Index": index, "Value": value})
    below.past = past
    below.previous = past.own[0].id if past else previous
    return below


async def item_input(interpreter: Interpreter, state: Map, entry: Entry, scope: Scope, below: Track) -> Any:
    """Return the input of an iteration; its item is `below.item`."""
    assert below.item is not None
    if state.item_selector is None:
        return below.item["Value"]
    return await state.item_selector.evaluate(interpreter.scope(state, entry, below, scope.input))


async def items_of(state: Map, scope: Scope) -> list[Any]:
    """Return the items of an inline Map."""
    if isinstance(state.items, JsonataQuery):
        computed: list[Any] = await state.items.typed(scope, "array")
        return computed
    if state.items is not None:
        listed: list[Any] = await state.items.evaluate(scope)
        return listed
    items = scope.input if state.items_path is None else state.items_path.evaluate(scope)
    if not isinstance(items, list):
        text = "$" if state.items_path is None else state.items_path.text
        raise EvaluationError(f'Reference path "{text}" must point to array.')
    return items


async def concurrency(given: int | Path | JsonataQuery, scope: Scope) -> int:
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
