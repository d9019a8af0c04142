"""TestState: a run of one state without a state machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.asl.definition import AnyState
from scones.cloud.services.stepfunctions.asl.evaluators import Evaluators
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import JsonTexts, dumps, loads
from scones.cloud.services.stepfunctions.cloud_tasks import CloudTasks
from scones.cloud.services.stepfunctions.evaluation.definitions import DefinitionChecker
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.clock import DeadlineError, WallClock, with_deadline
from scones.cloud.services.stepfunctions.execution.history import EventRecorder
from scones.cloud.services.stepfunctions.execution.scheduler import TurnScheduler
from scones.cloud.services.stepfunctions.integrations.registry import IntegrationRegistry
from scones.cloud.services.stepfunctions.operations.inputs import checked_input
from scones.cloud.services.stepfunctions.test_state.mock_contexts import new_context, read_context
from scones.cloud.services.stepfunctions.test_state.mocks import Mock, TestAssumptions, read_mock, waits_for_callback
from scones.cloud.services.stepfunctions.test_state.tested_state import STATE_NAME, read_tested_state, reject_findings
from scones.cloud.services.stepfunctions.test_state.tester import RetriableError, StateTester
from scones.cloud.services.stepfunctions.validation.resources import resource_faults, unsupported
from scones.cloud.wire.members import Members

_SECONDS = 300
"""Maximum duration of a test on AWS, in seconds."""


class StateTestOperations:
    """The operation that tests a state."""

    def __init__(
        self,
        cloud: CloudContext,
        definitions: DefinitionChecker,
        registry: IntegrationRegistry,
        evaluators: Evaluators,
        scheduler: TurnScheduler,
    ) -> None:
        self._cloud = cloud
        self._definitions = definitions
        self._registry = registry
        self._evaluators = evaluators
        self._scheduler = scheduler

    async def test_state(self, call: OperationCall) -> Members:
        """Run one state, with its work executed or mocked, and return its status, output and next state."""
        params = call.params
        subject = await read_tested_state(params, self._definitions)
        # Checking a mock loads service models, which is slow.
        mock = await asyncio.to_thread(read_mock, params, subject.document)
        group = {"States": {subject.name: subject.document}}
        reject_findings(await asyncio.to_thread(resource_faults, group, self._registry))
        if mock is None:
            reject_findings(await asyncio.to_thread(unsupported, group, self._registry))
        state = replace(await subject.parse(), name=STATE_NAME)
        text = params.get("input", "{}")
        texts = JsonTexts(checked_input(text))
        supposed = _assumptions(params, subject.document, mock)
        settings, clock = self._cloud.settings, WallClock()
        context = new_context(texts.root, params.get("roleArn"), settings.region, settings.account, clock.now())
        runner = CloudTasks(self._cloud, self._registry)
        tester = StateTester(context, texts, runner, clock, self._evaluators, self._scheduler, assumptions=supposed)
        chain = Chain(EventRecorder(lambda _event: None, clock.now), "", 0, _variables(params.get("variables", "{}")))
        chain.record("ExecutionStarted")
        response = await _run(tester, state, chain)
        if params.get("inspectionLevel", "INFO") != "INFO":
            variables = dumps(chain.variables) if chain.variables else None
            response["inspectionData"] = tester.inspection.show(state, text, variables)
        return response


async def _run(tester: StateTester, state: AnyState, chain: Chain) -> dict[str, Any]:
    deadline = tester.clock.now() + _SECONDS
    try:
        outcome = await with_deadline(tester.clock, deadline, tester.test(state, tester.texts.root, chain))
    except DeadlineError:
        return {"status": "FAILED", "error": "States.Timeout"}
    except RetriableError as retriable:
        return {"status": "RETRIABLE", **_failed(retriable.failure)}
    except StateFailedError as failure:
        return {"status": "FAILED", **_failed(failure)}
    response = {"status": "SUCCEEDED", "output": tester.inspection.text(outcome.output)}
    if tester.caught is not None:
        response |= {"status": "CAUGHT_ERROR", **_failed(tester.caught)}
    if outcome.next is not None:
        response["nextState"] = outcome.next
    return response


def _failed(failure: StateFailedError) -> dict[str, str]:
    members = {"error": failure.error, "cause": failure.cause}
    return {name: text for name, text in members.items() if text is not None}


def _variables(text: str) -> dict[str, Any]:
    try:
        variables = loads(text)
    except ValueError:
        variables = None
    if not isinstance(variables, dict):
        raise ServiceError("ValidationException", f"The variables must be a JSON object, not {text!r}")
    return variables


def _assumptions(params: Members, document: Mapping[str, Any], mock: Mock | None) -> TestAssumptions:
    configured = params.get("stateConfiguration", {})
    context = None
    if "context" in params:
        context = read_context(params["context"], takes_token=waits_for_callback(document))
    return TestAssumptions(
        mock=mock,
        context=context,
        retries=configured.get("retrierRetryCount", 0),
        failed_iterations=configured.get("mapIterationFailureCount", 0),
        reader_data=configured.get("mapItemReaderData"),
    )
