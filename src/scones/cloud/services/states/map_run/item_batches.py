"""ItemBatcher: several items of a distributed Map for one child execution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scones.cloud.services.states.language.distribution import ItemBatcher
from scones.cloud.services.states.language.failures import StateFailedError
from scones.cloud.services.states.language.map_numbers import whole_number
from scones.cloud.services.states.language.paths import Scope
from scones.cloud.services.states.language.text import LIMIT, dumps


async def batches(batcher: ItemBatcher, scope: Scope, items: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    """Return the children's inputs with how many items each has.

    The bytes are those of a child's whole input; 256 KiB is the most that an input may have. An item that alone is
    too large fails the Map; AWS's words for it are not known to us.
    """
    most = await whole_number("MaxItemsPerBatch", batcher.max_items, scope) or None
    room = min(await whole_number("MaxInputBytesPerBatch", batcher.max_bytes, scope) or LIMIT, LIMIT)
    head = {} if batcher.fixed is None else {"BatchInput": await batcher.fixed.evaluate(scope)}
    return _batches(head, most, room, items)


def _batches(head: dict[str, Any], most: int | None, room: int, items: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    empty = _size({**head, "Items": []})
    batch: list[Any] = []
    size = empty
    for item in items:
        added = _size(item) + 1
        if batch and (size + added - 1 > room or len(batch) == most):
            yield {**head, "Items": batch}, len(batch)
            batch, size = [], empty
        if size + added - 1 > room:
            raise StateFailedError(
                "States.DataLimitExceeded",
                f"An item of {added - 1} bytes does not fit into a batch of at most {room} bytes. "
                "Raise MaxInputBytesPerBatch or make the item smaller with ItemSelector.",
            )
        batch.append(item)
        size += added
    if batch:
        yield {**head, "Items": batch}, len(batch)


def _size(value: Any) -> int:
    return len(dumps(value).encode("utf-8", "surrogatepass"))
