"""A fair queue: an owner with many items does not delay owners with few."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

from scones.cloud.services.stepfunctions.asl.evaluators import JobOwner

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue of items by owner: machines take turns, and so do the executions of a machine.

    At most `limit` items of a machine are in progress at a time: taken, and not yet done.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._out: Counter[str] = Counter()
        self._waiting: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()

    def put(self, owner: JobOwner, item: T) -> None:
        """Add an item after the other items of its execution."""
        executions = self._waiting.setdefault(owner.machine, OrderedDict())
        executions.setdefault(owner.execution, deque()).append(item)

    def take(self) -> T | None:
        """Return the next item, which is in progress until `done`; None if no machine has an item that may be taken."""
        machine = next((name for name in self._waiting if self._out[name] < self._limit), None)
        if machine is None:
            return None
        executions = self._waiting[machine]
        execution, items = next(iter(executions.items()))
        item = items.popleft()
        executions.move_to_end(execution)
        self._waiting.move_to_end(machine)
        if not items:
            del executions[execution]
        if not executions:
            del self._waiting[machine]
        self._out[machine] += 1
        return item

    def done(self, owner: JobOwner) -> None:
        """Record that an item of the owner is no longer in progress."""
        self._out[owner.machine] -= 1
        if not self._out[owner.machine]:
            del self._out[owner.machine]

    def drain(self) -> list[T]:
        """Remove and return all waiting items."""
        items = [item for machine in self._waiting.values() for queue in machine.values() for item in queue]
        self._waiting.clear()
        return items
