"""Where an execution stood when the process ended, read from its history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.states.failures import StateFailedError, TimedOutError
from scones.cloud.services.states.history import Event
from scones.cloud.services.states.interpreter import Entry, RecordedAttempt
from scones.cloud.services.states.text import Texts


@dataclass(frozen=True, slots=True)
class Standing:
    """The last event of the machine's own chain, the state it is in (or None), its variables.

    `finished` is the output of an execution whose last state was left and whose end was not yet recorded.
    """

    previous: int
    last: int
    entered: tuple[str, Entry] | None
    variables: dict[str, Any]
    finished: tuple[Any] | None


def read_standing(events: list[Event], texts: Texts) -> Standing:
    """Read a history. A task under way is run again; a Parallel or Map under way begins anew."""
    own = [event for event in events if event.scope == "" and not event.type.startswith("Execution")]
    variables: dict[str, Any] = {}
    entered: Event | None = None
    for event in own:
        if event.type.endswith("StateEntered"):
            entered = event
        elif event.type.endswith("StateExited"):
            assert event.details is not None
            assigned = event.details.get("assignedVariables", {})
            variables.update({name: json.loads(text) for name, text in assigned.items()})
            entered = None
    last = events[-1].id if events else 0
    if not own:
        return Standing(0, last, None, variables, None)
    if entered is None:
        return Standing(own[-1].id, last, None, variables, (_value(own[-1], "output", texts),))
    since = [event for event in own if event.id > entered.id]
    attempts = [attempt for event in since if (attempt := _attempt(event, texts)) is not None]
    entry = Entry(entered.id, entered.previous, entered.at, _value(entered, "input", texts), iter(attempts))
    assert entered.state is not None
    return Standing(own[-1].id, last, (entered.state, entry), variables, None)


def _value(event: Event, member: str, texts: Texts) -> Any:
    assert event.details is not None
    text = event.details[member]
    return texts.root if text == texts.of(texts.root) else json.loads(text)


def _attempt(event: Event, texts: Texts) -> RecordedAttempt | None:
    if event.type in ("TaskSucceeded", "LambdaFunctionSucceeded"):
        return RecordedAttempt(event.at, _value(event, "output", texts), None)
    if event.type in ("TaskTimedOut", "LambdaFunctionTimedOut"):
        return RecordedAttempt(event.at, None, TimedOutError())
    if event.type in ("TaskFailed", "LambdaFunctionFailed"):
        details = event.details or {}
        return RecordedAttempt(event.at, None, StateFailedError(details.get("error"), details.get("cause")))
    return None
