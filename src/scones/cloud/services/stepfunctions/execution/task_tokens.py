"""Task tokens: handed out with a task, kept on disk, and sent back with the task's result."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError, TimedOutError
from scones.cloud.services.stepfunctions.asl.text import read_json
from scones.cloud.services.stepfunctions.execution.clock import Clock, DeadlineError, with_deadline
from scones.cloud.services.stepfunctions.execution.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS sfn_tokens (
    token TEXT PRIMARY KEY, execution TEXT NOT NULL, scheduled INTEGER NOT NULL, answer TEXT
);
CREATE INDEX IF NOT EXISTS sfn_tokens_execution ON sfn_tokens (execution, scheduled)
"""
_EXPECT = (
    "INSERT INTO sfn_tokens VALUES (?, ?, ?, NULL) ON CONFLICT (token) DO UPDATE SET scheduled = excluded.scheduled"
)
_PREFIX, _BYTES = "AQCEAAAAKgAAAAMAAAAA", 96
_LENGTH = len(_PREFIX) + _BYTES * 4 // 3


def new_token() -> str:
    """Return a new random token (96 bytes of randomness)."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


@dataclass(slots=True)
class _AwaitedResult:
    """A result that a task waits for: `{"output": JSON text}`, or an error and a cause."""

    heartbeat_at: float
    """Time of the last heartbeat, or of the start of the task, in Unix seconds."""
    result: asyncio.Future[dict[str, Any]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class TaskTokens:
    """The tokens of all tasks that wait for a result."""

    def __init__(self, store: Store, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._expected: dict[str, _AwaitedResult] = {}

    def expect(self, token: str, execution: str, scheduled: int) -> None:
        """Expect a result for a token, which may be expected already.

        The token reaches the disk together with the event that scheduled the task.
        """
        self._expected.setdefault(token, _AwaitedResult(0.0)).heartbeat_at = self._clock.now()
        self._journal.add(_EXPECT, token, execution, scheduled)

    def expect_resumed(self, execution: str, scheduled: int) -> str | None:
        """Expect the result of a task that an earlier process scheduled; return its token, or None if it has none."""
        row = self._store.row("SELECT * FROM sfn_tokens WHERE execution = ? AND scheduled = ?", execution, scheduled)
        if row is None:
            return None
        expected = self._expected[row["token"]] = _AwaitedResult(self._clock.now())
        if row["answer"] is not None:
            expected.result.set_result(json.loads(row["answer"]))
        return str(row["token"])

    def forget(self, token: str) -> None:
        """Delete a token: sending it from now on fails, because the task no longer exists."""
        self._expected.pop(token, None)
        self._journal.add("DELETE FROM sfn_tokens WHERE token = ?", token)

    def start_heartbeat(self, token: str) -> None:
        """Start the heartbeat period: a worker has taken the task."""
        self._expected[token].heartbeat_at = self._clock.now()

    async def wait_for_output(self, token: str, heartbeat: float | None) -> Any:
        """Wait for the task's output and return it; `heartbeat` is the maximum seconds between heartbeats, or None.

        Raises `StateFailedError` if the task failed, and `TimedOutError` if a heartbeat is overdue.
        """
        expected = self._expected[token]
        while True:
            limit = None if heartbeat is None else expected.heartbeat_at + heartbeat
            try:
                answer = await with_deadline(self._clock, limit, _result(expected.result))
            except DeadlineError:
                if limit is not None and expected.heartbeat_at + (heartbeat or 0) > limit:
                    continue
                raise TimedOutError(heartbeat=True) from None
            if "output" in answer:
                return read_json(answer["output"])
            raise StateFailedError(answer["error"], answer["cause"])

    def check(self, token: str) -> None:
        """Raise `ServiceError` if no task waits for the token."""
        if not self._kept(token):
            self._find(token)

    async def send(self, token: str, answer: dict[str, Any]) -> None:
        """Write a task's result to disk and deliver it; raise `ServiceError` if no task waits for the token.

        If two results arrive at the same time, the first counts and the second is rejected.
        """
        expected = None if self._kept(token) else self._find(token)
        sql = "UPDATE sfn_tokens SET answer = ? WHERE token = ? AND answer IS NULL"
        if not await self._store.execute(sql, json.dumps(answer), token):
            raise _gone()
        expected = expected or self._expected.get(token)  # the execution may have been resumed in the meantime
        if expected is not None and not expected.result.done():
            expected.result.set_result(answer)

    def heartbeat(self, token: str) -> None:
        """Record a heartbeat; raise `ServiceError` if no task waits for the token."""
        if not self._kept(token):
            self._find(token).heartbeat_at = self._clock.now()

    def _kept(self, token: str) -> bool:
        """Return True if the token belongs to an unfinished execution of an earlier process that is not resumed yet."""
        if token in self._expected:
            return False
        waiting = "SELECT 1 FROM sfn_tokens JOIN sfn_executions ON arn = execution WHERE token = ?"
        sql = f"{waiting} AND answer IS NULL AND status = 'RUNNING'"
        return self._store.row(sql, token) is not None

    def _find(self, token: str) -> _AwaitedResult:
        expected = self._expected.get(token)
        if expected is not None and not expected.result.done():
            return expected
        if token.startswith(_PREFIX) and len(token) == _LENGTH:
            raise _gone()
        raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")


async def _result(answer: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
    return await asyncio.shield(answer)


def _gone() -> ServiceError:
    return ServiceError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
