"""The queue in front of the workers: whoever asks for much waits for others who ask for little."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

from scones.cloud.services.states.language.evaluators import Owner

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by owner: machines take turns, and so do the executions of a machine.

    A machine has at most `most` items out at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._out: Counter[str] = Counter()
        self._waiting: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()

    def put(self, owner: Owner, item: T) -> None:
        """Add an item behind the others of its execution."""
        executions = self._waiting.setdefault(owner.machine, OrderedDict())
        executions.setdefault(owner.execution, deque()).append(item)

    def take(self) -> T | None:
        """Return the next item, which is out until `done`; None where there is none or its machine has its share."""
        machine = next((name for name in self._waiting if self._out[name] < self._most), None)
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

    def done(self, owner: Owner) -> None:
        """Note that an item is no longer out."""
        self._out[owner.machine] -= 1
        if not self._out[owner.machine]:
            del self._out[owner.machine]

    def drain(self) -> list[T]:
        """Remove and return all items that wait."""
        items = [item for machine in self._waiting.values() for queue in machine.values() for item in queue]
        self._waiting.clear()
        return items
