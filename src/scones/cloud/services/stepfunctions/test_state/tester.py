"""The interpreter behind TestState, which runs one state with its work executed or mocked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.stepfunctions.asl.definition import AnyState, Map, Parallel, Task
from scones.cloud.services.stepfunctions.asl.evaluators import Evaluators
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.paths import Scope
from scones.cloud.services.stepfunctions.asl.text import Texts
from scones.cloud.services.stepfunctions.execution.clock import Clock
from scones.cloud.services.stepfunctions.execution.history import Track
from scones.cloud.services.stepfunctions.execution.interpreter import Interpreter, Outcome
from scones.cloud.services.stepfunctions.execution.resume import Entry
from scones.cloud.services.stepfunctions.execution.retry import backoff, find_catcher
from scones.cloud.services.stepfunctions.execution.scheduler import Scheduler
from scones.cloud.services.stepfunctions.execution.tasks import TaskRunner
from scones.cloud.services.stepfunctions.test_state import mocked_maps
from scones.cloud.services.stepfunctions.test_state.inspection import Inspection
from scones.cloud.services.stepfunctions.test_state.mocks import Mock


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """The assumptions of a test: mock, complete context object, and numbers of retries and failed iterations."""

    mock: Mock | None = None
    context: dict[str, Any] | None = None
    retries: int = 0
    failed_iterations: int = 0
    reader_data: str | None = None
    """Content that replaces the object that an ItemReader would read."""


class RetriableError(Exception):
    """Raised for a failure after which the state's Retry would make another attempt."""

    def __init__(self, failure: StateFailedError) -> None:
        super().__init__(failure)
        self.failure = failure


class StateTester(Interpreter):
    """An interpreter that makes one attempt of one state and records its data.

    `caught` is the failure that a Catch handled.
    """

    def __init__(
        self,
        context: dict[str, Any],
        texts: Texts,
        runner: TaskRunner,
        clock: Clock,
        evaluators: Evaluators,
        scheduler: Scheduler,
        supposed: Supposition,
    ) -> None:
        super().__init__(context, texts, runner, clock, evaluators, scheduler)
        self.supposed = supposed
        self.inspection = Inspection()
        self.caught: StateFailedError | None = None
        self.mocked: Texts | None = None
        if supposed.mock is not None and supposed.mock.text is not None:
            self.mocked = Texts(supposed.mock.text)
        self._token = str(uuid.uuid4())

    async def test(self, state: AnyState, value: Any, track: Track) -> Outcome:
        """Run the state; if it fails, raise `RetriableError` if Retry applies, otherwise `StateFailedError`."""
        entry = self._enter(state, value, track)
        outcome = await self._stay(state, entry, track)
        self._exit(state, outcome, track)
        return outcome

    def text(self, value: Any) -> str:
        """Return a value's JSON text; a mocked result keeps its original text, like the input."""
        mocked = self.mocked
        return mocked.of(value) if mocked is not None and value is mocked.root else self.texts.of(value)

    def saw(self, stage: str, value: Any) -> None:
        """Record the text of the state's data after a step."""
        self.inspection.texts[stage] = self.text(value)

    def scope(self, state: AnyState, entry: Entry, track: Track, value: Any) -> Scope:
        """Return the scope of expressions, with the context object of the request if there is one."""
        scope = super().scope(state, entry, track, value)
        context = self.supposed.context
        if context is not None:
            scope.context = context if track.item is None else {**context, "Map": {"Item": track.item}}
        elif isinstance(state, Task) and state.target.takes_token:
            scope.context = {**scope.context, "Task": {"Token": self._token}}
        return scope

    async def _work(self, state: Task | Parallel | Map, entry: Entry, track: Track) -> Outcome:
        entry.retries = self.supposed.retries
        try:
            return await self._attempt(state, entry, track)
        except StateFailedError as failure:
            self._retry(state, failure)
            return await self._catch(state, failure, entry, track)

    async def _perform(self, state: Task | Parallel | Map, entry: Entry, scope: Scope, track: Track) -> Any:
        if self.supposed.mock is None:
            return await super()._perform(state, entry, scope, track)
        if isinstance(state, Map):
            await mocked_maps.prepare(self, state, entry, scope, track)
        else:
            await self._effective(state, scope)
        if self.supposed.mock.failure is not None:
            raise self.supposed.mock.failure
        assert self.mocked is not None
        return self.mocked.root

    def _retry(self, state: Task | Parallel | Map, failure: StateFailedError) -> None:
        for index, retrier in enumerate(state.retry):
            if not failure.matches(retrier.errors):
                continue
            self.inspection.error_details["retryIndex"] = index
            if self.supposed.retries < retrier.attempts:
                seconds = int(backoff(retrier, self.supposed.retries))
                self.inspection.error_details["retryBackoffIntervalSeconds"] = seconds
                raise RetriableError(failure)
            return

    async def _catch(
        self, state: Task | Parallel | Map, failure: StateFailedError, entry: Entry, track: Track
    ) -> Outcome:
        catcher = find_catcher(state.catch, failure)
        if catcher is not None:
            self.inspection.error_details["catchIndex"] = state.catch.index(catcher)
            self.caught = failure
        return await super()._catch(state, failure, entry, track)
