"""Rotation augmentation: a second task, whose labels cost nothing, improves a network trained on few images.

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

PartResult: TypeAlias = tuple[Tensor | None, Tensor]
"""The loss of a part of a batch, after the main task's logits of shape (n, classes), or None without that task."""
QUARTER_TURNS = 4
WEIGHT = 0.5
"""Weight of the second task's loss; the first task's loss has the weight 1."""


class Rotations(nn.Module):
    """The rotation task, for square images with one label each."""

    def __init__(self, network: Network, classes: int) -> None:
        super().__init__()
        self._evaluated = (network,)  # in a tuple, so that PyTorch does not register its weights in this module
        self._classes = classes
        self.head = nn.Linear(FEATURES, QUARTER_TURNS * classes)

    @staticmethod
    def draw(count: int, generator: torch.Generator) -> Tensor:
        """Draw the number of quarter turns for each of `count` images, on the CPU."""
        return torch.randint(1, QUARTER_TURNS, (count,), generator=generator)

    def parts(
        self, objective: Objective, images: Tensor, labels: Tensor, quarters: Tensor
    ) -> list[Callable[[], PartResult]]:
        """Return functions that evaluate the unrotated and the rotated batch, each normalised by its own statistics.

        The served model sees no rotated images, so only the unrotated ones update the running statistics of the
        normalisation.
        """
        (network,) = self._evaluated

        def unrotated() -> PartResult:
            features = network.features(images)
            logits: Tensor = network.head(features)
            return logits, objective.loss(logits, labels) + self._loss(features, labels)

        def rotated() -> PartResult:
            every = torch.stack([images.rot90(number, (2, 3)) for number in range(1, QUARTER_TURNS)])
            each = torch.arange(len(labels), device=labels.device)
            chosen = every[quarters - 1, each].contiguous(memory_format=layout(labels.device))
            features = network.features(chosen, use_running_stats=False)
            return None, self._loss(features, labels + self._classes * quarters)

        return [unrotated, rotated]

    def _loss(self, features: Tensor, targets: Tensor) -> Tensor:
        """Return this part's contribution to the second task's loss, the mean over both parts."""
        return WEIGHT / 2 * functional.cross_entropy(self.head(features), targets)
