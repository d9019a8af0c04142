"""A Map with mocked iterations: preparation of its items, and the check of its tolerated failures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from scones.cloud.services.stepfunctions.asl.definition import Map
from scones.cloud.services.stepfunctions.asl.distribution import ItemReader
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.map_numbers import whole_number
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import StateVisit
from scones.cloud.services.stepfunctions.execution.fanout import concurrency, item_input, items_of
from scones.cloud.services.stepfunctions.execution.state_runner import StateRunner
from scones.cloud.services.stepfunctions.map_run.item_batches import ItemBatches
from scones.cloud.services.stepfunctions.map_run.item_readers import parse_items, source
from scones.cloud.services.stepfunctions.map_run.limits import limits_of
from scones.cloud.services.stepfunctions.test_state.inspection import Inspection
from scones.cloud.services.stepfunctions.test_state.mocks import TestAssumptions
from scones.cloud.services.stepfunctions.test_state.original_text import original_text


class MockedMap:
    """The part of a Map that runs although its iterations are mocked."""

    def __init__(self, interpreter: StateRunner, inspection: Inspection, assumptions: TestAssumptions) -> None:
        self._interpreter = interpreter
        self._inspection = inspection
        self._assumptions = assumptions

    async def prepare(self, state: Map, visit: StateVisit, scope: EvaluationScope, chain: Chain) -> None:
        """Evaluate the fields that a Map evaluates before its iterations; fail if too many iterations have failed.

        The items of an ItemReader are known only if the request contains them; otherwise there are no items to show.
        """
        self._inspection.limits["maxConcurrency"] = await concurrency(state.max_concurrency, scope)
        reader = state.distribution.reader if state.distribution else None
        origin = {"Source": "STATE_DATA"} if state.distribution else {}
        if reader is None:
            items = await items_of(state, scope)
            if not state.jsonata:
                written = await asyncio.to_thread(
                    original_text, self._inspection.payloads.of(self._inspection.payloads.root), items
                )
                self._inspection.texts["afterItemsPath"] = written or self._inspection.text(items)
        else:
            origin = {"Source": source(reader, await reader.parameters.evaluate(scope))}
            items = await self._read(reader, scope)
        inputs = items
        if state.item_selector is not None:
            below = [
                chain.fork(state.name, {"Index": index, "Value": item, **origin}) for index, item in enumerate(items)
            ]
            inputs = [await item_input(self._interpreter, state, visit, scope, each) for each in below]
            self._inspection.record("afterItemSelector", inputs)
        if state.distribution is None:
            return
        if state.distribution.batcher is not None:
            batches = await ItemBatches.of(state.distribution.batcher, scope)
            made = [*(batches.add(dumps(item)) for item in inputs), batches.last_batch()]
            self._inspection.record("afterItemBatcher", [json.loads(batch[0]) for batch in made if batch])
        await self._check_tolerated_failures(state, scope, len(items))

    async def _read(self, reader: ItemReader, scope: EvaluationScope) -> list[Any]:
        data = self._assumptions.reader_data
        if data is None:
            return []
        max_items = await whole_number("MaxItems", reader.max_items, scope) or None
        items = (await asyncio.to_thread(parse_items, reader, data.encode()))[:max_items]
        if reader.pointer is not None:
            self._inspection.record("afterItemsPointer", items)
        return items

    async def _check_tolerated_failures(self, state: Map, scope: EvaluationScope, total: int) -> None:
        """Record the tolerated failures, and raise `StateFailedError` if more iterations have failed.

        A Map that does not set them tolerates no failures in an execution but any number in a test, as recorded on AWS.
        """
        limits, shown = await limits_of(state, scope), self._inspection.limits
        if limits.count is not None:
            shown["toleratedFailureCount"] = limits.count
        if limits.percentage is not None:
            shown["toleratedFailurePercentage"] = limits.percentage
        has_limits = limits.count is not None or limits.percentage is not None
        if has_limits and limits.exceeded(self._assumptions.failed_iterations, total):
            cause = "The specified tolerated failure threshold was exceeded"
            raise StateFailedError("States.ExceedToleratedFailureThreshold", cause)
