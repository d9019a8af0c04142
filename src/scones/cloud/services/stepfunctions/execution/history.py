"""The events of an execution: recording them, storing them, and the API's form of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.stepfunctions.asl.failures import StateFailedError, TimedOutError
from scones.cloud.services.stepfunctions.asl.text import dumps

MAX_EVENTS = 25_000
"""AWS's quota: events in the history of a Standard execution."""
_HEARTBEAT = "States.HeartbeatTimeout"
_CONTENT = frozenset({"input", "output", "parameters", "cause", "error", "assignedVariables"})
"""Members that `includeExecutionData=false` leaves out."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `scope` is the path of its branch or iteration, and empty for the machine's own chain."""

    id: int
    previous: int
    type: str
    at: float
    details: dict[str, Any] | None
    scope: str = ""

    @property
    def state(self) -> str | None:
        """Name of the state in an entered or exited event."""
        name: str | None = (self.details or {}).get("name")
        return name


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A failed attempt of a Task, Parallel or Map.

    `entered` is the id of the event that entered the state, `last` that of the last event when the attempt failed.
    """

    entered: int
    last: int
    at: float
    failure: StateFailedError


class EventRecorder:
    """Numbers the events of one execution and passes them to `append`, in order.

    `note` receives every failed attempt, because the history does not record why a Parallel or Map began again.
    `limit` is the maximum number of events; None means no limit.
    """

    def __init__(
        self,
        append: Callable[[Event], None],
        now: Callable[[], float],
        note: Callable[[FailedAttempt], None] = lambda _attempt: None,
        last: int = 0,
        limit: int | None = MAX_EVENTS,
    ) -> None:
        self._append = append
        self._now = now
        self._note = note
        self.last = last
        self._limit = limit
        self.closed = False

    def close(self) -> None:
        """Discard everything from now on: the next process continues from the recorded events."""
        self.closed = True
        self._append = lambda _event: None
        self._note = lambda _attempt: None

    def note(self, entered: int, failure: StateFailedError) -> None:
        """Record a failed attempt; it reaches the disk together with the events since the last `await`."""
        self._note(FailedAttempt(entered, self.last, self._now(), failure))

    def record(self, kind: str, previous: int, details: dict[str, Any] | None, scope: str = "") -> Event:
        """Record an event and return it; raise a fatal `StateFailedError` if the history is full."""
        if self._limit is not None and self.last >= self._limit - 1 and not kind.startswith("Execution"):
            raise StateFailedError(
                "States.Runtime",
                f"The execution reached the maximum number of history events ({self._limit}).",
                fatal=True,
            )
        self.last += 1
        event = Event(self.last, previous, kind, self._now(), details, scope)
        self._append(event)
        return event


def started_details(text: str, role: str, version: str | None, alias: str | None) -> dict[str, Any]:
    """Return the details of ExecutionStarted: the input, the role, and the version and alias used to start it."""
    details = {"input": text, "inputDetails": {"truncated": False}, "roleArn": role}
    if version is not None:
        details["stateMachineVersionArn"] = version
    if alias is not None:
        details["stateMachineAliasArn"] = alias
    return details


def failure_details(failure: StateFailedError, **members: str) -> dict[str, Any]:
    """Return the details of a failure event: `members`, and the error and cause if there are any."""
    details: dict[str, Any] = dict(members)
    if failure.error is not None:
        details["error"] = failure.error
    if failure.cause is not None:
        details["cause"] = failure.cause
    return details


def describe_event(event: Event, *, include_data: bool) -> dict[str, Any]:
    """Return an event in the form of GetExecutionHistory."""
    shown: dict[str, Any] = {
        "id": event.id,
        "previousEventId": event.previous,
        "type": event.type,
        "timestamp": event.at,
    }
    if event.details is not None:
        details = event.details
        if not include_data:
            details = {name: value for name, value in details.items() if name not in _CONTENT}
        shown[_details_member(event.type)] = details
    return shown


def _details_member(kind: str) -> str:
    for edge in ("Entered", "Exited"):
        if kind.endswith(f"State{edge}"):
            return f"state{edge}EventDetails"
    return kind[0].lower() + kind[1:] + "EventDetails"


def to_row(event: Event) -> tuple[int, int, str, float, str | None, str]:
    """Return the columns of an event."""
    details = None if event.details is None else dumps(event.details)
    return event.id, event.previous, event.type, event.at, details, event.scope


def from_row(row: sqlite3.Row) -> Event:
    """Return the event of a row."""
    details = None if row["details"] is None else json.loads(row["details"])
    return Event(row["id"], row["previous"], row["type"], row["at"], details, row["scope"])


def failed_attempt_row(attempt: FailedAttempt) -> tuple[int, int, float, str | None, str | None, bool]:
    """Return the columns of a failed attempt; a missed heartbeat is stored as States.HeartbeatTimeout."""
    failure = attempt.failure
    error = _HEARTBEAT if failure.heartbeat else failure.error
    return attempt.entered, attempt.last, attempt.at, error, failure.cause, failure.fatal


def failed_attempt(row: sqlite3.Row) -> FailedAttempt:
    """Return the failed attempt of a row."""
    if row["error"] == _HEARTBEAT:
        return FailedAttempt(row["entered"], row["last"], row["at"], TimedOutError(heartbeat=True))
    failure = StateFailedError(row["error"], row["cause"], fatal=bool(row["fatal"]))
    return FailedAttempt(row["entered"], row["last"], row["at"], failure)
