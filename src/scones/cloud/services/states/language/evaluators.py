"""What the language asks of worker processes: jobs, their replies, and the limits at which a job ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Owner:
    """For whom a job is done, by ARN: machines share the workers, and so do the executions of one machine."""

    machine: str
    execution: str


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of work that `evaluation.jobs` knows, and its arguments: JSON values by name."""

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class JobStoppedError(Exception):
    """A worker ended before its job did.

    `limit` is the key of `MESSAGES` that was exceeded, and `replies` is what the worker had sent by then.
    """

    def __init__(self, limit: str, replies: list[Any]) -> None:
        super().__init__(MESSAGES[limit])
        self.limit = limit
        self.replies = replies


class Evaluators(Protocol):
    """Does jobs somewhere else than on the event loop."""

    async def perform(self, job: Job, owner: Owner) -> list[Any]:
        """Return a job's replies, JSON values; raise `JobStoppedError` where it exceeds a limit."""


MESSAGES = {
    "depth": "Stack overflow error: Check for non-terminating recursive function. "
    "Consider rewriting as tail-recursive.",
    "time": "Expression evaluation timeout: Check for infinite loop",
    "engine": "Internal error of the evaluator",
    "memory": "Expression evaluation memory limit exceeded: Check for excessive memory usage",
}
"""What AWS says where an expression takes too much (jsonata-js has the first two)."""
