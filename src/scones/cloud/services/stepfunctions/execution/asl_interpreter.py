"""The interpreter: one coroutine per execution, branch and iteration runs the states and records every event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scones.cloud.core.text_size import utf8_size
from scones.cloud.services.stepfunctions.asl.choice import ChoiceRule
from scones.cloud.services.stepfunctions.asl.definition import (
    AnyState,
    Choice,
    Fail,
    Map,
    Parallel,
    Pass,
    ResultState,
    State,
    StateGroup,
    Steps,
    Succeed,
    Task,
    Wait,
)
from scones.cloud.services.stepfunctions.asl.evaluators import Evaluators
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError, StateFailedError, TimedOutError
from scones.cloud.services.stepfunctions.asl.intrinsics import Expression
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path, PathQuery, insert_at_path, owner_of
from scones.cloud.services.stepfunctions.asl.queries import JsonataCondition, JsonataQuery
from scones.cloud.services.stepfunctions.asl.resources import Resource
from scones.cloud.services.stepfunctions.asl.templates import PathField, Template
from scones.cloud.services.stepfunctions.asl.text import JsonTexts, dumps
from scones.cloud.services.stepfunctions.asl.timestamps import format_timestamp
from scones.cloud.services.stepfunctions.execution import fanout, tasks
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import ChainHistory, StateVisit
from scones.cloud.services.stepfunctions.execution.clock import Clock
from scones.cloud.services.stepfunctions.execution.concurrency import ExecutionSlots
from scones.cloud.services.stepfunctions.execution.history import failure_details
from scones.cloud.services.stepfunctions.execution.journal import Journal
from scones.cloud.services.stepfunctions.execution.payloads import payload_size, payload_text, variable_texts
from scones.cloud.services.stepfunctions.execution.retry import RetryCounter, find_catcher
from scones.cloud.services.stepfunctions.execution.scheduler import TurnScheduler
from scones.cloud.services.stepfunctions.execution.task_tokens import new_token
from scones.cloud.services.stepfunctions.execution.wait_times import wait_end
from scones.cloud.services.stepfunctions.map_run import distributed

MAX_WAIT = 2**31 - 1
"""Maximum seconds of a Wait; a longer one fails, as recorded on AWS."""


@dataclass(frozen=True, slots=True)
class StateResult:
    """The result of a state: its output, the next state (None ends the group), and the variables that it assigns."""

    output: Any
    next: str | None
    assigned: dict[str, Any] | None = None


class AslInterpreter:
    """Runs the states of one execution; `context` holds Execution and StateMachine of the context object."""

    def __init__(
        self,
        context: dict[str, Any],
        texts: JsonTexts,
        runner: tasks.TaskRunner,
        clock: Clock,
        evaluators: Evaluators,
        scheduler: TurnScheduler,
        *,
        map_runs: distributed.ExecutionMapRuns | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Create the interpreter of an execution; while the journal of its events has no room, no state is entered.

        Express executions and tests have no journal and cannot begin Map Runs.
        """
        self.texts = texts
        self.clock = clock
        self.runner = runner
        self._evaluators = evaluators
        self._map_runs = map_runs
        self._journal = journal
        self.concurrency = ExecutionSlots(scheduler.pool)
        self._context = context
        self._scheduler = scheduler
        self._owner = owner_of(context)

    async def run(self, group: StateGroup, value: Any, chain: Chain) -> Any:
        """Run a group of states from its start, or from where its recorded events end; return the group's output."""
        past, chain.history = chain.history, None
        position = past.position() if past else None
        name, entry = group.start_at, None
        if position is not None:
            chain.previous = position.previous
            chain.variables = {**chain.variables, **position.assigned}
            chain.sizes |= {name: payload_size(value) for name, value in position.assigned.items()}
            if position.finished is not None:
                chain.size = payload_size(position.finished[0])
                return position.finished[0]
            assert position.entered is not None
            name, entry = position.entered
        await self._next_turn()
        while True:
            state = group.states[name]
            if entry is None:
                entry = self._enter(state, value, chain)
            chain.active = type(state).__name__
            outcome = await self._execute(state, entry, chain)
            await self._next_turn()
            # `ChainHistory.position` treats a history that ends with an exit as that of a finished chain. So nothing
            # waits between an exit and the next entry: both events reach the disk together.
            self._exit(state, outcome, chain)
            chain.active = None
            if outcome.next is None:
                return outcome.output
            name, value, entry = outcome.next, outcome.output, None

    async def _next_turn(self) -> None:
        """Wait until the execution may record events and enter a state."""
        await self.turn()
        if self._journal is not None:
            await self._journal.wait_for_space()

    async def turn(self) -> None:
        """Wait until the execution may take its next step on the event loop."""
        await self._scheduler.wait_turn(self._owner)

    def _enter(self, state: AnyState, value: Any, chain: Chain) -> StateVisit:
        details = {"name": state.name, "input": self.texts.of(value), "inputDetails": tasks.NOT_TRUNCATED}
        event = chain.record(f"{type(state).__name__}StateEntered", details)
        return StateVisit(event.id, event.previous, event.at, value)

    def _exit(self, state: AnyState, outcome: StateResult, chain: Chain) -> None:
        text = payload_text(self.texts, outcome.output, state.name)
        chain.size = utf8_size(text)
        details: dict[str, Any] = {"name": state.name, "output": text, "outputDetails": tasks.NOT_TRUNCATED}
        if outcome.assigned:
            details["assignedVariables"] = variable_texts(outcome.assigned, chain.sizes, state.name)
            details["assignedVariablesDetails"] = tasks.NOT_TRUNCATED
            chain.variables = {**chain.variables, **outcome.assigned}
        chain.record(f"{type(state).__name__}StateExited", details)

    async def _execute(self, state: AnyState, visit: StateVisit, chain: Chain) -> StateResult:
        try:
            if isinstance(state, (Task, Parallel, Map)):
                return await self._run_work(state, visit, chain)
            if isinstance(state, Wait):
                return await self._wait(state, visit, chain)
            return await self._decide(state, visit, chain)
        except EvaluationError as error:
            raise self.failure(state, visit, chain, error) from error

    def failure(self, state: AnyState, visit: StateVisit, chain: Chain, error: EvaluationError) -> StateFailedError:
        """Return an evaluation error as a failure with AWS's message; record EvaluationFailed for JSONata."""
        where = f"An error occurred while executing the state '{state.name}' (entered at the event id #{visit.event})."
        failure = StateFailedError(error.error, f"{where} {error.message}", fatal=error.error == "States.Runtime")
        if error.error == "States.QueryEvaluationError" and "EvaluationFailed" not in visit.recorded_types:
            if chain.previous == visit.event and not error.after_entry:
                chain.previous = visit.previous
            location = {} if error.field is None else {"location": error.field}
            chain.record("EvaluationFailed", failure_details(failure, **location, state=state.name))
        return failure

    def scope(self, state: AnyState, visit: StateVisit, chain: Chain, value: Any) -> EvaluationScope:
        """Return the scope in which a state's paths and expressions are evaluated."""
        state_context: dict[str, Any] = {"Name": state.name, "EnteredTime": format_timestamp(visit.at)}
        if visit.retries is not None:
            state_context["RetryCount"] = visit.retries
        context = {**self._context, "State": state_context}
        if visit.token is not None and isinstance(state, Task) and state.target.takes_token:
            context["Task"] = {"Token": visit.token}
        if chain.item is not None:
            context["Map"] = {"Item": chain.item}
        return EvaluationScope(value, context, chain.variables, evaluators=self._evaluators)

    def on_stage(self, stage: str, value: Any) -> None:
        """Receive a state's data at a stage of its processing, named as in TestState; only TestState overrides this."""

    async def _decide(self, state: Pass | Choice | Succeed | Fail, visit: StateVisit, chain: Chain) -> StateResult:
        scope = self.scope(state, visit, chain, visit.input)
        scope.input = await _select(state.input_path, scope)
        self.on_stage("afterInputPath", scope.input)
        if state.jsonata and isinstance(state, (Pass, Succeed)):
            return await _jsonata_result(state, scope, scope.input)
        if isinstance(state, Pass):
            return await self._pass(state, visit, scope)
        if isinstance(state, Choice):
            return await self._choose(state, scope)
        if isinstance(state, Fail):
            error, cause = await _message(state.error, "Error", scope), await _message(state.cause, "Cause", scope)
            raise StateFailedError(error, cause)
        output = await _select(state.output_path, scope)
        return StateResult(output, None, await _assign(state.assign, scope))

    async def _pass(self, state: Pass, visit: StateVisit, scope: EvaluationScope) -> StateResult:
        result = await state.parameters.evaluate(scope) if state.parameters else scope.input
        self.on_stage("afterParameters", result)
        if state.has_result:
            result = state.result
            self.on_stage("result", result)
        return await self._state_result(state, visit.input, result, scope)

    async def _choose(self, state: Choice, scope: EvaluationScope) -> StateResult:
        for branch in state.branches:
            if await _holds(branch.rule, scope):
                output = await _output(branch.output, state, scope)
                return StateResult(output, branch.next, await _assign(branch.assign, scope))
        if state.default is None:
            raise EvaluationError(
                "Failed to transition out of the state. The state does not point to a next state.",
                "States.NoChoiceMatched",
            )
        output = await _output(state.output, state, scope)
        return StateResult(output, state.default, await _assign(state.assign, scope))

    async def _wait(self, state: Wait, visit: StateVisit, chain: Chain) -> StateResult:
        scope = self.scope(state, visit, chain, visit.input)
        scope.input = await _select(state.input_path, scope)
        self.on_stage("afterInputPath", scope.input)
        moment = await wait_end(state, visit.at, scope)
        if moment - self.clock.now() > MAX_WAIT:
            raise EvaluationError("Wait state delay is too long.")
        await self.clock.sleep_until(moment)
        await self.turn()  # thousands may wake at the same time
        if state.jsonata:
            return await _jsonata_result(state, scope, scope.input)
        output = await _select(state.output_path, scope)
        return StateResult(output, state.next, await _assign(state.assign, scope))

    async def _run_work(self, state: Task | Parallel | Map, visit: StateVisit, chain: Chain) -> StateResult:
        attempts = RetryCounter(state.retry)
        while True:
            visit.retries, visit.attempt_begun = attempts.count, False
            earlier = next(visit.failed_attempts, None)
            try:
                if earlier is not None:
                    raise earlier.failure
                return await self._attempt(state, visit, chain)
            except StateFailedError as failure:
                if earlier is None:
                    chain.recorder.note(visit.event, failure)
                delay = attempts.next_delay(failure)
                if delay is not None:
                    await self.clock.sleep_until((earlier.at if earlier else self.clock.now()) + delay)
                    await self.turn()
                    continue
                fanout.record_failure(state, failure, visit, chain)
                return await self._catch(state, failure, visit, chain)

    async def _attempt(self, state: Task | Parallel | Map, visit: StateVisit, chain: Chain) -> StateResult:
        try:
            return await self._result(state, visit, chain)
        except EvaluationError as error:
            raise self.failure(state, visit, chain, error) from error

    async def _result(self, state: Task | Parallel | Map, visit: StateVisit, chain: Chain) -> StateResult:
        if isinstance(state, Task):
            visit.history = self._resumable_attempt(state.target, visit)
        scope = self.scope(state, visit, chain, visit.input)
        scope.input = await _select(state.input_path, scope)
        self.on_stage("afterInputPath", scope.input)
        result = await self._perform(state, visit, scope, chain)
        self.on_stage("result", result)
        if state.jsonata:
            scope.result = result
            return await _jsonata_result(state, scope, result)
        return await self._state_result(state, visit.input, result, scope)

    def _resumable_attempt(self, target: Resource, visit: StateVisit) -> ChainHistory | None:
        """Return the recorded events of an attempt that has succeeded or only waits for its end, or None.

        Any other attempt gets the token that it may need. A task that a crash interrupted before it was submitted runs
        again with the same token, which may have been sent and answered already.
        """
        past, visit.token = visit.history, None
        if past is not None and past.last("Succeeded"):
            return past
        if not target.takes_token and not target.is_activity:
            return None
        if past is not None:
            assert self.runner.callbacks is not None
            visit.token = self.runner.callbacks.expect_resumed(self._context["Execution"]["Id"], past.own_events[0].id)
            waiting = target.is_activity or past.last("TaskSubmitted")
            if waiting and (visit.token is not None or target.waits):
                return past
        visit.token = visit.token or new_token()
        return None

    async def _perform(
        self, state: Task | Parallel | Map, visit: StateVisit, scope: EvaluationScope, chain: Chain
    ) -> Any:
        """Do the work of a state and return its raw result."""
        if isinstance(state, Map):
            if state.distribution is not None:
                assert self._map_runs is not None
                return await distributed.run_map(self, self._map_runs, state, visit, scope, chain)
            return await fanout.run_map(self, state, visit, scope, chain)
        if isinstance(state, Task) and visit.history is not None and (result := visit.history.result()):
            return result[0]
        effective = await self._effective_input(state, scope)
        if isinstance(state, Parallel):
            return await fanout.run_parallel(self, state, visit, effective, chain)
        attempt = tasks.TaskAttempt(state, effective, scope, chain, self.texts, self.runner, self.clock, visit.token)
        return await attempt.run(visit.take_history())

    async def _effective_input(self, state: Task | Parallel, scope: EvaluationScope) -> Any:
        """Return the effective input of the work: Parameters or Arguments, or else the input."""
        effective = await state.parameters.evaluate(scope) if state.parameters else scope.input
        self.on_stage("afterArguments" if state.jsonata else "afterParameters", effective)
        return effective

    async def _catch(
        self, state: Task | Parallel | Map, failure: StateFailedError, visit: StateVisit, chain: Chain
    ) -> StateResult:
        catcher = find_catcher(state.catch, failure)
        if catcher is None:
            raise failure
        # AWS records null for the error and the cause that SendTaskFailure omits, and "" for the cause of a time-out.
        cause = "" if isinstance(failure, TimedOutError) else failure.cause
        output = {"Error": failure.error, "Cause": cause}
        if state.jsonata:
            scope = self.scope(state, visit, chain, visit.input)
            scope.error = output
            caught = await catcher.output.evaluate(scope) if catcher.output else output
            return StateResult(caught, catcher.next, await _assign(catcher.assign, scope))
        scope = self.scope(state, visit, chain, output)
        placed = _insert_result(visit.input, catcher.result_steps, output)
        return StateResult(placed, catcher.next, await _assign(catcher.assign, scope))

    async def _state_result(self, state: ResultState, value: Any, result: Any, scope: EvaluationScope) -> StateResult:
        """Return the outcome of a JSONPath state that puts a result into its input."""
        assigned = await _assign(state.assign, _scope_with(scope, result))
        if state.result_selector:
            result = await state.result_selector.evaluate(_scope_with(scope, result))
        self.on_stage("afterResultSelector", result)
        placed = _insert_result(value, state.result_steps, result)
        self.on_stage("afterResultPath", placed)
        return StateResult(await _select(state.output_path, _scope_with(scope, placed)), state.next, assigned)


async def _jsonata_result(state: State, scope: EvaluationScope, value: Any) -> StateResult:
    """Return the outcome of a JSONata state: its Output, or `value` if it has none."""
    output = await state.output.evaluate(scope) if state.output else value
    return StateResult(output, state.next, await _assign(state.assign, scope))


async def _holds(rule: ChoiceRule | JsonataCondition, scope: EvaluationScope) -> bool:
    return await rule.holds(scope) if isinstance(rule, JsonataCondition) else rule.holds(scope)


async def _output(template: Template | None, state: Choice, scope: EvaluationScope) -> Any:
    return await template.evaluate(scope) if template else await _select(state.output_path, scope)


def _scope_with(scope: EvaluationScope, value: Any) -> EvaluationScope:
    return EvaluationScope(value, scope.context, scope.variables, evaluators=scope.evaluators)


async def _select(path: Path | PathQuery | None, scope: EvaluationScope) -> Any:
    if path is None:
        return {}
    return path.evaluate(scope) if isinstance(path, Path) else await path.evaluate(scope)


def _insert_result(value: Any, steps: Steps | None, result: Any) -> Any:
    return value if steps is None else insert_at_path(value, steps, result)


async def _assign(template: Template | None, scope: EvaluationScope) -> dict[str, Any] | None:
    if template is None:
        return None
    assigned: dict[str, Any] = await template.evaluate(scope)
    return assigned


async def _message(given: str | Expression | JsonataQuery | None, name: str, scope: EvaluationScope) -> str | None:
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, JsonataQuery):
        return str(await given.typed(scope, "string"))
    value = await PathField(f"{name}Path", given).evaluate(scope)
    if not isinstance(value, str):
        raise EvaluationError(f"The {name}Path parameter does not reference a string: {given.text} == {dumps(value)}")
    return value
