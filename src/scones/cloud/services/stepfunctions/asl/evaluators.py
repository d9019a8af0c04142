"""The interface to worker processes that evaluate expressions: jobs, replies and the limits that stop a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class JobOwner:
    """ARNs of the state machine and execution that a job belongs to.

    State machines share the workers fairly, and so do the executions of one machine.
    """

    machine: str
    execution: str


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """A unit of work: a kind that `evaluation.jobs` defines, and its arguments (JSON values by name)."""

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class JobStoppedError(Exception):
    """Raised if a worker ended before its job.

    `limit` is the key in `MESSAGES` of the limit that was exceeded; `replies` are those that the worker sent before.
    """

    def __init__(self, limit: str, replies: list[Any]) -> None:
        super().__init__(MESSAGES[limit])
        self.limit = limit
        self.replies = replies


class Evaluators(Protocol):
    """Runs jobs outside the event loop."""

    async def run(self, job: EvaluationJob, owner: JobOwner) -> list[Any]:
        """Return a job's replies (JSON values); raise `JobStoppedError` if it exceeds a limit."""


MESSAGES = {
    "depth": "Stack overflow error: Check for non-terminating recursive function. "
    "Consider rewriting as tail-recursive.",
    "time": "Expression evaluation timeout: Check for infinite loop",
    "engine": "Internal error of the evaluator",
    "memory": "Expression evaluation memory limit exceeded: Check for excessive memory usage",
}
"""AWS's messages for an expression that exceeds a limit, by limit (the first two are from jsonata-js)."""
