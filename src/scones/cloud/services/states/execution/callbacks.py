"""Task tokens: handed out with a task, sent back by whoever has done it, kept on disk in between."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.services.states.execution.clock import Clock, DeadlineError, before
from scones.cloud.services.states.execution.journal import Journal
from scones.cloud.services.states.language.failures import StateFailedError, TimedOutError
from scones.cloud.services.states.language.text import read_json
from scones.cloud.store import Store

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
    """Return a token that nobody can guess."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


@dataclass(slots=True)
class Expected:
    """An answer that a task waits for: `{"output": JSON text}` or an error and a cause."""

    beat: float
    """When its last heartbeat came, or the task began."""
    answer: asyncio.Future[dict[str, Any]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Callbacks:
    """The tokens of all tasks that wait."""

    def __init__(self, store: Store, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._expected: dict[str, Expected] = {}

    def expect(self, token: str, execution: str, scheduled: int) -> None:
        """Begin to expect the answer of a task (again, maybe); it is on disk with the event that scheduled it."""
        self._expected.setdefault(token, Expected(0.0)).beat = self._clock.now()
        self._journal.add(_EXPECT, token, execution, scheduled)

    def expect_again(self, execution: str, scheduled: int) -> str | None:
        """Go on expecting the answer of a task that an earlier process scheduled; return its token."""
        row = self._store.row("SELECT * FROM sfn_tokens WHERE execution = ? AND scheduled = ?", execution, scheduled)
        if row is None:
            return None
        expected = self._expected[row["token"]] = Expected(self._clock.now())
        if row["answer"] is not None:
            expected.answer.set_result(json.loads(row["answer"]))
        return str(row["token"])

    def forget(self, token: str) -> None:
        """Expect nothing more: whoever sends the token from now on is told that the task is gone."""
        self._expected.pop(token, None)
        self._journal.add("DELETE FROM sfn_tokens WHERE token = ?", token)

    def begin(self, token: str) -> None:
        """Count heartbeats from now on: a worker has taken the task."""
        self._expected[token].beat = self._clock.now()

    async def outcome(self, token: str, heartbeat: float | None) -> Any:
        """Return what the task gave; raise `StateFailedError`, or `TimedOutError` without a heartbeat in time."""
        expected = self._expected[token]
        while True:
            limit = None if heartbeat is None else expected.beat + heartbeat
            try:
                answer = await before(self._clock, limit, _result(expected.answer))
            except DeadlineError:
                if limit is not None and expected.beat + (heartbeat or 0) > limit:
                    continue
                raise TimedOutError(heartbeat=True) from None
            if "output" in answer:
                return read_json(answer["output"])
            raise StateFailedError(answer["error"], answer["cause"])

    def check(self, token: str) -> None:
        """Raise `ServiceError` for a token that nobody waits for."""
        if not self._kept(token):
            self._find(token)

    async def send(self, token: str, answer: dict[str, Any]) -> None:
        """Take in a task's answer, once it is on disk; raises `ServiceError` for a token that nobody waits for.

        Of two answers at the same time the first counts, and the second comes too late.
        """
        expected = None if self._kept(token) else self._find(token)
        sql = "UPDATE sfn_tokens SET answer = ? WHERE token = ? AND answer IS NULL"
        if not await self._store.execute(sql, json.dumps(answer), token):
            raise _gone()
        expected = expected or self._expected.get(token)  # its execution may have been resumed meanwhile
        if expected is not None and not expected.answer.done():
            expected.answer.set_result(answer)

    def beat(self, token: str) -> None:
        """Take in a heartbeat; raises `ServiceError` for a token that nobody waits for."""
        if not self._kept(token):
            self._find(token).beat = self._clock.now()

    def _kept(self, token: str) -> bool:
        """Return True for a token of an execution that an earlier process left and that is not resumed yet."""
        if token in self._expected:
            return False
        waiting = "SELECT 1 FROM sfn_tokens JOIN sfn_executions ON arn = execution WHERE token = ?"
        sql = f"{waiting} AND answer IS NULL AND status = 'RUNNING'"
        return self._store.row(sql, token) is not None

    def _find(self, token: str) -> Expected:
        expected = self._expected.get(token)
        if expected is not None and not expected.answer.done():
            return expected
        if token.startswith(_PREFIX) and len(token) == _LENGTH:
            raise _gone()
        raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")


async def _result(answer: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
    return await asyncio.shield(answer)


def _gone() -> ServiceError:
    return ServiceError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
