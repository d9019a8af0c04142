"""A running Map Run: its child executions, at most MaxConcurrency at once, and its result."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

from scones.cloud.context import CloudContext
from scones.cloud.services.stepfunctions.asl.definition import Map
from scones.cloud.services.stepfunctions.asl.distribution import DistributedMapFields
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError, nested_too_deeply
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.asl.text import LIMIT, dumps, too_deep, too_large
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import StateVisit
from scones.cloud.services.stepfunctions.execution.execution import ChildExecution, Execution
from scones.cloud.services.stepfunctions.execution.fanout import item_input
from scones.cloud.services.stepfunctions.execution.journal import Journal
from scones.cloud.services.stepfunctions.execution.quota import RunningQuota
from scones.cloud.services.stepfunctions.execution.state_runner import StateRunner
from scones.cloud.services.stepfunctions.map_run.item_batches import ItemBatches
from scones.cloud.services.stepfunctions.map_run.item_readers import read_items, source
from scones.cloud.services.stepfunctions.map_run.limits import DEFAULT_CONCURRENCY, MapRunLimits
from scones.cloud.services.stepfunctions.map_run.map_children import UNSUCCESSFUL, ChildExecutions, count
from scones.cloud.services.stepfunctions.map_run.result_writers import ResultDestination, collect_results, write_results
from scones.cloud.services.stepfunctions.state_machines import Revision

_EXPRESS_SECONDS = 300
_PAGE = 1000
_PAGE_CHARACTERS = 1024**2
"""Maximum child executions (`_PAGE`), and characters of their inputs, that are written together."""


class ChildRunner(Protocol):
    """Runs child executions; `Executions` implements it."""

    quota: RunningQuota

    @property
    def running(self) -> Mapping[str, Execution]:
        """The running executions by ARN."""

    def start_child(
        self, arn: str, name: str, machine: str, text: str, revision: Revision, child: ChildExecution
    ) -> Execution:
        """Start a child execution; it reaches the disk with the next journal flush."""

    async def resume_child(self, row: sqlite3.Row, child: ChildExecution, *, redriven: bool = False) -> None:
        """Resume a child execution that an earlier process left unfinished, or redrive it."""

    async def stop(self, arn: str, error: str | None, cause: str | None) -> float:
        """Abort an execution if it runs; return its end in Unix seconds, once that is on disk."""


class MapRuns:
    """The Map Runs of one cloud; `live` holds the running ones by ARN."""

    def __init__(self, cloud: CloudContext, journal: Journal, executions: ChildRunner) -> None:
        self.cloud = cloud
        self.journal = journal
        self.executions = executions
        self.live: dict[str, MapRun] = {}
        self._last: int | None = None

    def next_id(self) -> int:
        """Return the row id of a new Map Run."""
        if self._last is None:
            newest = self.cloud.store.row("SELECT max(id) AS id FROM sfn_map_runs")
            self._last = (newest["id"] if newest else None) or 0
        self._last += 1
        return self._last


class MapRun:
    """A running Map Run."""

    def __init__(
        self,
        runs: MapRuns,
        parent: Execution,
        state: Map,
        *,
        number: int,
        arn: str,
        machine: str,
        limits: MapRunLimits,
        ready: bool,
    ) -> None:
        assert state.distribution is not None
        self.arn = arn
        self.limits = limits
        self._runs = runs
        self._parent = parent
        self._state = state
        self._distribution: DistributedMapFields = state.distribution
        self._number = number
        self._machine = machine
        self._ready = ready
        self._children = ChildExecutions(runs.cloud.store, runs.journal, number)
        self._running: dict[int, str] = {}
        self._failed = 0
        self._total = 0
        self._woken = asyncio.Event()

    def change(self, limits: MapRunLimits) -> None:
        """Continue with other limits."""
        self.limits = limits
        self._woken.set()

    def redrive(self) -> None:
        """Run the unsuccessful child executions of an ended Map Run again."""
        self._children.redrive()
        self._runs.journal.add(
            "UPDATE sfn_map_runs SET status = 'RUNNING', stopped = NULL, redrives = redrives + 1, redriven = ?"
            " WHERE id = ?",
            *(time.time(), self._number),
        )

    def end(self, status: str) -> None:
        """Record the end of the Map Run together with the next events; do nothing while the cloud stops."""
        if self._parent.chain.recorder.closed:
            return
        sql = "UPDATE sfn_map_runs SET status = ?, stopped = ? WHERE id = ?"
        self._runs.journal.add(sql, status, time.time(), self._number)

    async def abort(self) -> None:
        """Abort the running child executions and the Map Run."""
        await self._stop_children()
        self.end("ABORTED")

    async def perform(
        self,
        interpreter: StateRunner,
        visit: StateVisit,
        scope: EvaluationScope,
        chain: Chain,
        items: list[Any] | None,
    ) -> Any:
        """Read the items, run the child executions and return the result."""
        writer = self._distribution.writer
        destination = None
        if writer is not None and writer.parameters is not None:
            destination = ResultDestination.of(writer, await writer.parameters.evaluate(scope), self.arn)
        if self._ready:
            await self._runs.journal.flushed()  # the marks of `ChildExecutions.redrive`
        else:
            await self._children.fill(self._inputs(interpreter, visit, scope, chain, items))
        self._runs.live[self.arn] = self
        try:
            exceeded = await self._run_children(interpreter)
        finally:
            self._runs.live.pop(self.arn, None)
        await self._runs.journal.flushed()
        result = None
        if destination is not None:
            result = await write_results(self._runs.cloud, destination, self._children)
        if exceeded:
            cause = "The specified tolerated failure threshold was exceeded"
            raise StateFailedError("States.ExceedToleratedFailureThreshold", cause)
        return await collect_results(writer, self._children, self._state.name) if destination is None else result

    async def _inputs(
        self,
        interpreter: StateRunner,
        visit: StateVisit,
        scope: EvaluationScope,
        chain: Chain,
        items: list[Any] | None,
    ) -> AsyncIterator[list[tuple[str, int]]]:
        """Yield pages of the child executions' inputs, each with its number of items."""
        reader, batcher = self._distribution.reader, self._distribution.batcher
        pages, origin = _in_pages(items or []), "STATE_DATA"
        if reader is not None:
            parameters = await reader.parameters.evaluate(scope)
            pages, origin = read_items(self._runs.cloud, reader, parameters, scope), source(reader, parameters)
        below = chain.fork(self._state.name, None)
        children = _InputPage()
        batches: ItemBatches | None = None
        index = 0
        async for page in pages:
            for value in page:
                await interpreter.turn()
                below.item = {"Index": index, "Value": value, "Source": origin}
                text = self._text(await item_input(interpreter, self._state, visit, scope, below))
                index += 1
                if batcher is None:
                    children.add((self._check_input(text), 1))
                else:
                    batches = batches or await ItemBatches.of(batcher, scope)
                    if batch := batches.add(text):
                        children.add((self._check_input(batch[0]), batch[1]))
                if children.full:
                    yield children.flush()
        if batcher is not None:
            batches = batches or await ItemBatches.of(batcher, scope)
            if batch := batches.last_batch():
                children.add((self._check_input(batch[0]), batch[1]))
        yield children.flush()

    def _text(self, value: Any) -> str:
        try:
            return dumps(value)
        except RecursionError:
            raise nested_too_deeply(self._state.name) from None

    def _check_input(self, text: str) -> str:
        """Return the input of a child execution; raise `StateFailedError` if it is too large or nested too deeply."""
        if too_large(text):
            raise StateFailedError(
                "States.DataLimitExceeded",
                f"An item of state '{self._state.name}' exceeds {LIMIT} bytes, the limit for the input of a "
                "child execution. Reduce it with ItemSelector.",
            )
        if too_deep(text):
            raise nested_too_deeply(self._state.name)
        return text

    async def _run_children(self, interpreter: StateRunner) -> bool:
        """Run the child executions, at most MaxConcurrency at once; return True if too many have failed."""
        counts = await count(self._runs.cloud.store, self._number)
        self._total = sum(items for _, items in counts.values())
        self._failed = sum(counts.get(status, (0, 0))[1] for status in UNSUCCESSFUL)
        begun, pending = self._children.begun(), self._children.pending()
        while not self.limits.exceeded(self._failed, self._total):
            while len(self._running) < (self.limits.concurrency or DEFAULT_CONCURRENCY):
                if self._running and self._runs.executions.quota.is_exceeded_by():
                    break  # the next starts when one of this Map Run ends
                await interpreter.turn()
                if not (await self._resume_next(begun) or self._start_next(pending)):
                    break
            if not self._running:
                return False
            self._woken.clear()
            await self._woken.wait()
        await self._stop_children()
        return True

    def _start_next(self, pending: Iterator[sqlite3.Row]) -> bool:
        row = next(pending, None)
        if row is None:
            return False
        name = str(uuid.uuid4())
        arn = f"{self._machine.replace(':stateMachine:', ':execution:', 1)}:{name}"
        self._running[row["number"]] = arn
        text = self._children.input(row["number"])
        execution = self._runs.executions.start_child(
            arn, name, self._machine, text, self._parent.revision, self._child(row["number"], row["items"])
        )
        self._children.start(row["number"], execution.id)
        return True

    async def _resume_next(self, begun: Iterator[sqlite3.Row]) -> bool:
        row = next(begun, None)
        if row is None:
            return False
        redriven = row["status"] != "RUNNING"
        self._running[row["number"]] = row["arn"]
        if redriven:
            self._children.set_status(row["number"], "RUNNING")
        child = self._child(row["number"], row["items"])
        await self._runs.executions.resume_child(row, child, redriven=redriven)
        return True

    def _child(self, number: int, items: int) -> ChildExecution:
        def heard(status: str) -> None:
            self._children.set_status(number, status)
            self._running.pop(number, None)
            if status in UNSUCCESSFUL:
                self._failed += items
            self._woken.set()

        seconds = _EXPRESS_SECONDS if self._distribution.express else None
        return ChildExecution(self._state.processor, seconds, heard)

    async def _stop_children(self) -> None:
        async def stop(arn: str) -> None:
            if arn in self._runs.executions.running:
                await self._runs.executions.stop(arn, None, None)

        await asyncio.gather(*(stop(arn) for arn in self._running.values()))
        await self._runs.journal.flushed()
        for row in self._children.begun():  # started by an earlier process, and not resumed yet
            if row["status"] == "RUNNING":
                await self._runs.executions.resume_child(row, self._child(row["number"], row["items"]))
                await self._runs.executions.stop(row["arn"], None, None)
            else:
                self._children.set_status(row["number"], row["status"])


class _InputPage:
    """Inputs of child executions, each with its number of items, that are written together."""

    def __init__(self) -> None:
        self._children: list[tuple[str, int]] = []
        self._characters = 0

    @property
    def full(self) -> bool:
        """True if the page must be written before more inputs are added."""
        return len(self._children) >= _PAGE or self._characters >= _PAGE_CHARACTERS

    def add(self, child: tuple[str, int]) -> None:
        """Add the input of a child execution."""
        self._children.append(child)
        self._characters += len(child[0])

    def flush(self) -> list[tuple[str, int]]:
        """Return the inputs and begin a new page."""
        children, self._children, self._characters = self._children, [], 0
        return children


async def _in_pages(items: Iterable[Any]) -> AsyncIterator[list[Any]]:
    left = iter(items)
    while page := list(islice(left, _PAGE)):
        yield page
