"""Turned pictures: a second task, whose answers cost nothing, from which a network of few pictures learns more.

Each picture of a batch comes once as it is and once turned by one, two or three quarters; a head of its own tells class
and turn together. After Lee and others, "Self-supervised Label Augmentation via Input Transformations" (2020). The
head is no part of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from scones.algorithm.device import layout
from scones.algorithm.network import FEATURES, Network
from scones.algorithm.objective import Objective

PartJudged: TypeAlias = tuple[Tensor | None, Tensor]
"""Logits of the network's own task, shape (n, classes), where it was judged, and a loss."""
TURNS = 4
WEIGHT = 0.5
"""Of the second task's loss, beside the first's."""


class Turns(nn.Module):
    """The second task, for square pictures with one label each."""

    def __init__(self, network: Network, classes: int) -> None:
        super().__init__()
        self._judged = (network,)  # in a tuple, so that its weights are none of this module's
        self._classes = classes
        self.head = nn.Linear(FEATURES, TURNS * classes)

    @staticmethod
    def draw(count: int, generator: torch.Generator) -> Tensor:
        """Return by how many quarters each of so many pictures is turned, on the CPU."""
        return torch.randint(1, TURNS, (count,), generator=generator)

    def parts(
        self, objective: Objective, pictures: Tensor, labels: Tensor, quarters: Tensor
    ) -> list[Callable[[], PartJudged]]:
        """Return what judges a batch as it is, and what judges it turned; each normalises by its own pictures.

        The served model sees no turned pictures: what it normalises by is learned from the others alone.
        """
        (network,) = self._judged

        def as_they_are() -> PartJudged:
            features = network.features(pictures)
            logits: Tensor = network.head(features)
            return logits, objective.loss(logits, labels) + self._loss(features, labels)

        def turned() -> PartJudged:
            every = torch.stack([pictures.rot90(number, (2, 3)) for number in range(1, TURNS)])
            each = torch.arange(len(labels), device=labels.device)
            chosen = every[quarters - 1, each].contiguous(memory_format=layout(labels.device))
            features = network.features(chosen, recorded=False)
            return None, self._loss(features, labels + self._classes * quarters)

        return [as_they_are, turned]

    def _loss(self, features: Tensor, answers: Tensor) -> Tensor:
        """Return a part's share in the second task's loss, which is the mean over both parts."""
        return WEIGHT / 2 * functional.cross_entropy(self.head(features), answers)
