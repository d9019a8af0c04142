"""ItemBatcher: batches of a distributed Map's items, one batch per child execution."""

from __future__ import annotations

from scones.cloud.core.text_size import utf8_size
from scones.cloud.services.stepfunctions.asl.distribution import ItemBatcher
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.map_numbers import whole_number
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.asl.text import LIMIT, dumps


class ItemBatches:
    """Combines the JSON of items into the inputs of child executions; BatchInput is encoded only once.

    `max_bytes` and `max_items` (None: no limit) are the maximum size and number of items of a child execution's input.
    A single item that exceeds `max_bytes` fails the Map; AWS's message for this is unknown.
    """

    def __init__(self, batch_input: str | None, max_items: int | None, max_bytes: int) -> None:
        self._head = '{"Items":[' if batch_input is None else f'{{"BatchInput":{batch_input},"Items":['
        self._empty = _size(self._head) + len("]}")
        self._max_items = max_items
        self._room = max_bytes
        self._items: list[str] = []
        self._bytes = self._empty

    @classmethod
    async def of(cls, batcher: ItemBatcher, scope: EvaluationScope) -> ItemBatches:
        """Evaluate an ItemBatcher and return its batches; an input has at most 256 KiB."""
        max_items = await whole_number("MaxItemsPerBatch", batcher.max_items, scope) or None
        room = min(await whole_number("MaxInputBytesPerBatch", batcher.max_bytes, scope) or LIMIT, LIMIT)
        fixed = None if batcher.batch_input is None else dumps(await batcher.batch_input.evaluate(scope))
        return cls(fixed, max_items, room)

    def add(self, item: str) -> tuple[str, int] | None:
        """Add an item; if that completes the previous batch, return its input and number of items, otherwise None.

        Raises `StateFailedError` if the item is too large for a batch.
        """
        added = _size(item) + 1
        complete = None
        if self._items and (self._bytes + added - 1 > self._room or len(self._items) == self._max_items):
            complete = self.last_batch()
        if self._bytes + added - 1 > self._room:
            raise StateFailedError(
                "States.DataLimitExceeded",
                f"An item of {added - 1} bytes does not fit into a batch of at most {self._room} bytes. "
                "Increase MaxInputBytesPerBatch, or reduce the item with ItemSelector.",
            )
        self._items.append(item)
        self._bytes += added
        return complete

    def last_batch(self) -> tuple[str, int] | None:
        """Return the input and the number of items of the last, incomplete batch, or None if it is empty."""
        if not self._items:
            return None
        batch = f"{self._head}{','.join(self._items)}]}}", len(self._items)
        self._items, self._bytes = [], self._empty
        return batch


def _size(text: str) -> int:
    return utf8_size(text)
