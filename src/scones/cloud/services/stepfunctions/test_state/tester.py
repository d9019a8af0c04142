"""The interpreter of TestState: it runs one state, and executes or mocks the state's task, branches or iterations."""

from __future__ import annotations

import uuid
from typing import Any

from scones.cloud.services.stepfunctions.asl.definition import AnyState, Map, Parallel, Task
from scones.cloud.services.stepfunctions.asl.evaluators import Evaluators
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.asl.text import JsonTexts
from scones.cloud.services.stepfunctions.execution.asl_interpreter import AslInterpreter, StateResult
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import StateVisit
from scones.cloud.services.stepfunctions.execution.clock import Clock
from scones.cloud.services.stepfunctions.execution.retry import backoff, find_catcher, find_retrier
from scones.cloud.services.stepfunctions.execution.scheduler import TurnScheduler
from scones.cloud.services.stepfunctions.execution.tasks import TaskRunner
from scones.cloud.services.stepfunctions.test_state.inspection import Inspection
from scones.cloud.services.stepfunctions.test_state.mocked_maps import MockedMap
from scones.cloud.services.stepfunctions.test_state.mocks import TestAssumptions


class RetriableError(Exception):
    """Raised for a failure after which the state's Retry would make another attempt."""

    def __init__(self, failure: StateFailedError) -> None:
        super().__init__(failure)
        self.failure = failure


class StateTester(AslInterpreter):
    """An interpreter that makes one attempt of one state and records its data.

    `caught` is the failure that a Catch handled.
    """

    def __init__(
        self,
        context: dict[str, Any],
        texts: JsonTexts,
        runner: TaskRunner,
        clock: Clock,
        evaluators: Evaluators,
        scheduler: TurnScheduler,
        *,
        assumptions: TestAssumptions,
    ) -> None:
        super().__init__(context, texts, runner, clock, evaluators, scheduler)
        self.assumptions = assumptions
        self.caught: StateFailedError | None = None
        self._mocked: JsonTexts | None = None
        if assumptions.mock is not None and assumptions.mock.text is not None:
            self._mocked = JsonTexts(assumptions.mock.text)
        self.inspection = Inspection(texts, self._mocked)
        self._token = str(uuid.uuid4())

    async def test(self, state: AnyState, value: Any, chain: Chain) -> StateResult:
        """Run the state; if it fails, raise `RetriableError` if Retry applies, otherwise `StateFailedError`."""
        entry = self._enter(state, value, chain)
        outcome = await self._execute(state, entry, chain)
        self._exit(state, outcome, chain)
        return outcome

    def on_stage(self, stage: str, value: Any) -> None:
        """Record the state's data after a stage of its processing, such as afterInputPath."""
        self.inspection.record(stage, value)

    def scope(self, state: AnyState, visit: StateVisit, chain: Chain, value: Any) -> EvaluationScope:
        """Return the scope of expressions, with the context object of the request if there is one."""
        scope = super().scope(state, visit, chain, value)
        context = self.assumptions.context
        if context is not None:
            scope.context = context if chain.item is None else {**context, "Map": {"Item": chain.item}}
        elif isinstance(state, Task) and state.target.takes_token:
            scope.context = {**scope.context, "Task": {"Token": self._token}}
        return scope

    async def _run_work(self, state: Task | Parallel | Map, visit: StateVisit, chain: Chain) -> StateResult:
        visit.retries = self.assumptions.retries
        try:
            return await self._attempt(state, visit, chain)
        except StateFailedError as failure:
            self._retry(state, failure)
            return await self._catch(state, failure, visit, chain)

    async def _perform(
        self, state: Task | Parallel | Map, visit: StateVisit, scope: EvaluationScope, chain: Chain
    ) -> Any:
        if self.assumptions.mock is None:
            return await super()._perform(state, visit, scope, chain)
        if isinstance(state, Map):
            await MockedMap(self, self.inspection, self.assumptions).prepare(state, visit, scope, chain)
        else:
            await self._effective_input(state, scope)
        if self.assumptions.mock.failure is not None:
            raise self.assumptions.mock.failure
        assert self._mocked is not None
        return self._mocked.root

    def _retry(self, state: Task | Parallel | Map, failure: StateFailedError) -> None:
        index = find_retrier(state.retry, failure)
        if index is None:
            return
        retrier = state.retry[index]
        self.inspection.error_details["retryIndex"] = index
        if self.assumptions.retries < retrier.attempts:
            seconds = int(backoff(retrier, self.assumptions.retries))
            self.inspection.error_details["retryBackoffIntervalSeconds"] = seconds
            raise RetriableError(failure)

    async def _catch(
        self, state: Task | Parallel | Map, failure: StateFailedError, visit: StateVisit, chain: Chain
    ) -> StateResult:
        catcher = find_catcher(state.catch, failure)
        if catcher is not None:
            self.inspection.error_details["catchIndex"] = state.catch.index(catcher)
            self.caught = failure
        return await super()._catch(state, failure, visit, chain)
