"""The state of an execution that is resumed or redriven, read from its history."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scones.cloud.services.stepfunctions.asl.text import JsonTexts
from scones.cloud.services.stepfunctions.execution.history import Event, FailedAttempt

_BEGIN = ("StateStarted", "Scheduled")
"""Suffixes of the events that begin an attempt: ParallelStateStarted, LambdaFunctionScheduled, …"""
_EDGES = frozenset({"ExecutionStarted", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})
_ABORTED = frozenset(f"{kind}Aborted" for kind in ("TaskState", "WaitState", "ParallelState", "MapState"))
_UNLINKED = _ABORTED | {"MapIterationFailed", "MapIterationAborted"}
"""Events that no other event is chained to."""
_UNDONE = _UNLINKED | {"EvaluationFailed", "MapStateFailed", "ParallelStateFailed", "TaskSubmitted"}
"""Events that a redrive ignores: failed states run again, and former task tokens and jobs are no longer waited for."""


@dataclass(slots=True)
class StateVisit:
    """One visit to a state: the event that entered it, its input, and the record that an earlier process left."""

    event: int
    previous: int
    at: float
    input: Any
    failed_attempts: Iterator[FailedAttempt] = field(default_factory=lambda: iter(()))
    """Attempts that have failed; they are not repeated."""
    history: ChainHistory | None = None
    """Recorded events of the current attempt."""
    recorded_types: frozenset[str] = frozenset()
    """Types of the events since the last failed attempt or the entry; some of them must not be recorded twice."""
    retries: int | None = None
    attempt_begun: bool = False
    """True once a Parallel or Map has begun the current attempt."""
    token: str | None = None
    """Task token of the current attempt."""

    def take_history(self) -> ChainHistory | None:
        """Return the recorded events of the current attempt, and None from the second call on."""
        past, self.history = self.history, None
        return past


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """The position of a chain: its last event, the state it is in (or None), and the variables that it has assigned.

    `finished` holds the output of a chain that has left its last state but whose end is not recorded yet.
    """

    previous: int
    entered: tuple[str, StateVisit] | None
    assigned: dict[str, Any]
    finished: tuple[Any] | None


class ChainHistory:
    """The recorded events of one chain (those with its `scope`) and of the chains below it."""

    def __init__(
        self, scope: str, events: list[Event], failures: dict[int, list[FailedAttempt]], texts: JsonTexts
    ) -> None:
        self.scope = scope
        self.own_events = [event for event in events if event.scope == scope and event.type not in _EDGES]
        self._events = events
        self._failures = failures
        self._texts = texts

    def last(self, suffix: str) -> Event | None:
        """Return the last event of the chain whose type ends with `suffix`, or None."""
        return next((event for event in reversed(self.own_events) if event.type.endswith(suffix)), None)

    def result(self) -> tuple[Any] | None:
        """Return the result of a successful task attempt in a tuple, or None."""
        succeeded = self.last("Succeeded")
        return None if succeeded is None else (self._value(succeeded, "output"),)

    def position(self) -> ChainPosition | None:
        """Return the position of the chain, or None if it had not entered a state."""
        entered: Event | None = None
        left: Event | None = None
        assigned: dict[str, Any] = {}
        for event in self.own_events:
            if event.type.endswith("StateEntered"):
                entered = event
            elif event.type.endswith("StateExited"):
                assert event.details is not None
                given = event.details.get("assignedVariables", {})
                assigned.update({name: json.loads(text) for name, text in given.items()})
                entered, left = None, event
        if entered is not None and entered.state is not None:
            last = next(event.id for event in reversed(self.own_events) if event.type not in _UNLINKED)
            return ChainPosition(last, (entered.state, self._entry(entered)), assigned, None)
        if left is not None:
            return ChainPosition(left.id, None, assigned, (self._value(left, "output"),))
        return None

    def children(self, name: str) -> dict[int, ChainHistory]:
        """Return the recorded events of the branches or iterations of the state `name`, by index."""
        prefix = f"{self.scope}/{name}["
        groups: dict[int, list[Event]] = defaultdict(list)
        for event in self._events:
            if event.scope.startswith(prefix):
                index = event.scope[len(prefix) :].partition("]")[0]
                groups[int(index)].append(event)
        return {
            index: ChainHistory(f"{prefix}{index}]", events, self._failures, self._texts)
            for index, events in groups.items()
        }

    def _entry(self, entered: Event) -> StateVisit:
        failed = self._failures.get(entered.id, [])
        since = [event for event in self.own_events if event.id > (failed[-1].last if failed else entered.id)]
        entry = StateVisit(entered.id, entered.previous, entered.at, self._value(entered, "input"), iter(failed))
        entry.recorded_types = frozenset(event.type for event in since)
        begun = next((event.id for event in reversed(since) if event.type.endswith(_BEGIN)), None)
        if begun is not None:
            events = [event for event in self._events if event.id >= begun]
            entry.history = ChainHistory(self.scope, events, self._failures, self._texts)
        return entry

    def _value(self, event: Event, member: str) -> Any:
        assert event.details is not None
        text = event.details[member]
        return self._texts.root if text == self._texts.of(self._texts.root) else json.loads(text)


def read_history(events: list[Event], failures: Iterable[FailedAttempt], texts: JsonTexts) -> ChainHistory:
    """Return the past of an execution that a crash interrupted, or of a redriven one after its ExecutionRedriven event.

    Steps that were unsuccessful before the last redrive run again, and their retries are counted anew.
    """
    redriven = max((event.id for event in events if event.type == "ExecutionRedriven"), default=0)
    by_entry: dict[int, list[FailedAttempt]] = defaultdict(list)
    for attempt in failures:
        if attempt.last > redriven:
            by_entry[attempt.entered].append(attempt)
    kept = [event for event in events if event.id > redriven or event.type not in _UNDONE]
    return ChainHistory("", kept, by_entry, texts)
