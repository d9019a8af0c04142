"""The gradients of a batch, whose pictures several threads share out among them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce

import torch
from torch import Tensor

from scones.algorithm.failure import CustomerError
from scones.algorithm.objective import Objective
from scones.algorithm.recipes import Classifier
from scones.algorithm.turns import Turns


class Gradients:
    """Gradients of a network's loss, on as many threads as PyTorch would use for each operator.

    On two processors a step of EfficientNet, whose operators are too small to be shared out, takes .21 s so, and took
    .35 s. A network that normalises by a batch's own statistics (`whole`) gets it in one piece,
    and so does a GPU. `generator` draws the turns of `turns`.
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
        on_cpu = self._weights[0].device.type == "cpu"
        self._parts = torch.get_num_threads() if on_cpu and not whole else 1
        self._threads = ThreadPoolExecutor(self._parts, "gradients", torch.set_num_threads, (1,))

    def take(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """Set the gradients of a batch's mean loss; return the logits. Raises `CustomerError` for a loss of no number.

        Parts are added up in their order, so that the same seed gives the same model on as many threads.
        """
        run = map if self._parts == 1 else self._threads.map
        of_part = partial(self._of_part, len(labels))
        outcomes = list(run(of_part, pictures.chunk(self._parts), labels.chunk(self._parts)))
        for weight, *shares in zip(self._weights, *(gradients for _, gradients in outcomes), strict=True):
            weight.grad = reduce(torch.add, shares)
        return torch.cat([logits for logits, _ in outcomes])

    def _of_part(self, count: int, pictures: Tensor, labels: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return a part's logits, and its share in the gradients of the mean over `count` pictures."""
        if self._turns:
            logits, loss = self._turns.judge(self._objective, self._generator, pictures, labels)
        else:
            logits = self._network(pictures)
            loss = self._objective.loss(logits, labels)
        loss = loss * (len(labels) / count)
        if not torch.isfinite(loss):
            raise CustomerError("Training diverges: the loss is no number any more; set a smaller learning_rate.")
        return logits.detach(), torch.autograd.grad(loss, self._weights)
