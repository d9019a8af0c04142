"""The interface of the interpreter for states that contain other states: Parallel and Map."""

from __future__ import annotations

from typing import Any, Protocol

from scones.cloud.services.stepfunctions.asl.definition import AnyState, StateGroup
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError, StateFailedError
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.execution.chain import Chain
from scones.cloud.services.stepfunctions.execution.chain_history import StateVisit
from scones.cloud.services.stepfunctions.execution.concurrency import ExecutionSlots


class StateRunner(Protocol):
    """Runs the states of one execution; `AslInterpreter` implements it. Values are JSON."""

    concurrency: ExecutionSlots

    async def run(self, group: StateGroup, value: Any, chain: Chain) -> Any:
        """Run a group of states, and return its output."""

    async def turn(self) -> None:
        """Wait until the execution may take its next step on the event loop."""

    def scope(self, state: AnyState, visit: StateVisit, chain: Chain, value: Any) -> EvaluationScope:
        """Return the scope in which a state's paths and expressions are evaluated."""

    def failure(self, state: AnyState, visit: StateVisit, chain: Chain, error: EvaluationError) -> StateFailedError:
        """Return an evaluation error as a failure with AWS's message."""
