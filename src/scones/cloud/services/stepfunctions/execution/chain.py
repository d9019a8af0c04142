"""A chain of states: the machine's own, or that of a branch or iteration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scones.cloud.services.stepfunctions.execution.chain_history import ChainHistory
from scones.cloud.services.stepfunctions.execution.history import Event, EventRecorder

_ABORTABLE = frozenset({"Task", "Wait", "Parallel", "Map"})


@dataclass(slots=True)
class Chain:
    """The recorder and the variables of one chain."""

    recorder: EventRecorder
    scope: str
    previous: int
    variables: Mapping[str, Any]
    item: dict[str, Any] | None = None
    """Map.Item of the context object."""
    size: int = 0
    """Bytes of the output of the last state."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of each variable, by name."""
    active: str | None = None
    """Type of the state that the chain is in."""
    history: ChainHistory | None = None
    """Events that an earlier process recorded for this chain and the chains below it; the interpreter uses them."""

    def record(self, kind: str, details: dict[str, Any] | None = None) -> Event:
        """Record the next event of the chain."""
        event = self.recorder.record(kind, self.previous, details, self.scope)
        self.previous = event.id
        return event

    def record_unlinked(self, kind: str, details: dict[str, Any] | None = None) -> Event:
        """Record an event that the next event of the chain does not follow, such as AWS's MapStateSucceeded."""
        return self.recorder.record(kind, self.previous, details, self.scope)

    def abort(self, previous: int) -> None:
        """Record that the state of the chain is aborted; AWS has such events for the states that can take time."""
        if self.active in _ABORTABLE:
            self.recorder.record(f"{self.active}StateAborted", previous, None, self.scope)

    def fork(self, step: str, item: dict[str, Any] | None) -> Chain:
        """Return a new chain below this one, with a copy of this chain's variables."""
        scope = f"{self.scope}/{step}"
        return Chain(self.recorder, scope, self.previous, dict(self.variables), item, sizes=dict(self.sizes))
