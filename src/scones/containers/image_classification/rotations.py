"""Rotation augmentation: a second task with free labels, from which a network learns more if images are few.

Each image of a batch is used twice: unrotated, and rotated by one, two or three quarter turns. A separate head predicts
class and rotation together. Source: Lee and others, "Self-supervised Label Augmentation via Input Transformations"
(2020). The head is not part of the exported model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from scones.containers.image_classification.device import layout
from scones.containers.image_classification.network import FEATURES, Network
from scones.containers.image_classification.objective import Objective

PartFunction: TypeAlias = tuple[Tensor | None, Tensor]
"""Logits of the network's main task, shape (n, classes), or None if it was not evaluated, and a loss."""
QUARTER_TURNS = 4
WEIGHT = 0.5
"""Weight of the second task's loss; the first task's is 1."""


class Rotations(nn.Module):
    """The rotation task, for square images with one label each."""

    def __init__(self, network: Network, classes: int) -> None:
        super().__init__()
        self._evaluated = (network,)  # in a tuple, so that its weights are not this module's
        self._classes = classes
        self.head = nn.Linear(FEATURES, QUARTER_TURNS * classes)

    @staticmethod
    def draw(count: int, generator: torch.Generator) -> Tensor:
        """Draw the number of quarter turns for each of `count` images, on the CPU."""
        return torch.randint(1, QUARTER_TURNS, (count,), generator=generator)

    def parts(
        self, objective: Objective, images: Tensor, labels: Tensor, quarters: Tensor
    ) -> list[Callable[[], PartFunction]]:
        """Return functions that evaluate the unrotated and the rotated batch; each normalises by its own images.

        The served model sees no rotated images, so only the unrotated ones update the running statistics of the
        normalisation.
        """
        (network,) = self._evaluated

        def as_they_are() -> PartFunction:
            features = network.features(images)
            logits: Tensor = network.head(features)
            return logits, objective.loss(logits, labels) + self._loss(features, labels)

        def turned() -> PartFunction:
            every = torch.stack([images.rot90(number, (2, 3)) for number in range(1, QUARTER_TURNS)])
            each = torch.arange(len(labels), device=labels.device)
            chosen = every[quarters - 1, each].contiguous(memory_format=layout(labels.device))
            features = network.features(chosen, use_running_stats=False)
            return None, self._loss(features, labels + self._classes * quarters)

        return [as_they_are, turned]

    def _loss(self, features: Tensor, answers: Tensor) -> Tensor:
        """Return this part's contribution to the second task's loss, the mean over both parts."""
        return WEIGHT / 2 * functional.cross_entropy(self.head(features), answers)
