"""The gradients of a batch, whose parts several threads judge side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce

import torch
from torch import Tensor

from scones.algorithm.failure import CustomerError
from scones.algorithm.objective import Objective
from scones.algorithm.recipes import Classifier
from scones.algorithm.turns import Judged, Turns


class Gradients:
    """Gradients of a network's loss, of parts that each have a thread, in place of operators that share one out.

    On two processors a step of EfficientNet, whose operators are too small to be shared out, takes .21 s so, and took
    .35 s. A network that normalises by a batch's own statistics (`whole`) gets it in one piece, or in the two of
    `turns`, which draws by `generator`. On a GPU one part comes after the other.
    """

    def __init__(
        self,
        network: Classifier,
        objective: Objective,
        *,
        whole: bool,
        turns: Turns | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self._network = network
        self._objective = objective
        self._turns = turns
        self._generator = generator
        others = turns.parameters() if turns else ()
        self._weights = [weight for weight in (*network.parameters(), *others) if weight.requires_grad]
        threads = torch.get_num_threads() if self._weights[0].device.type == "cpu" else 1
        self._chunks = 1 if whole else threads
        side_by_side = min(threads, 2 if turns else self._chunks)
        self._threads = ThreadPoolExecutor(
            side_by_side, "gradients", torch.set_num_threads, (max(1, threads // side_by_side),)
        )
        self._map = self._threads.map if side_by_side > 1 else map

    def take(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """Set the gradients of a batch's mean loss; return the logits. Raises `CustomerError` for a loss of no number.

        Parts are added up in their order, so that the same seed gives the same model on as many threads.
        """
        outcomes = list(self._map(self._of_part, self._parts(pictures, labels)))
        for weight, *shares in zip(self._weights, *(gradients for _, gradients in outcomes), strict=True):
            weight.grad = reduce(torch.add, shares)
        return torch.cat([logits for logits, _ in outcomes if logits is not None])

    def _parts(self, pictures: Tensor, labels: Tensor) -> list[Callable[[], Judged]]:
        if self._turns:
            return self._turns.parts(self._objective, self._generator, pictures, labels)
        chunks = zip(pictures.chunk(self._chunks), labels.chunk(self._chunks), strict=True)
        return [partial(self._judge, len(some) / len(labels), some, theirs) for some, theirs in chunks]

    def _judge(self, share: float, pictures: Tensor, labels: Tensor) -> Judged:
        logits = self._network(pictures)
        return logits, share * self._objective.loss(logits, labels)

    def _of_part(self, part: Callable[[], Judged]) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        """Return a part's logits, and its share in the gradients of the mean loss."""
        logits, loss = part()
        if not torch.isfinite(loss):
            raise CustomerError("Training diverges: the loss is no number any more; set a smaller learning_rate.")
        gradients = torch.autograd.grad(loss, self._weights, materialize_grads=True)
        return None if logits is None else logits.detach(), gradients
