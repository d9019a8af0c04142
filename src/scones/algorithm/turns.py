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

from scones.algorithm.network import FEATURES, Network
from scones.algorithm.objective import Objective

Judged: TypeAlias = tuple[Tensor | None, Tensor]
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

    def parts(
        self, objective: Objective, generator: torch.Generator | None, pictures: Tensor, labels: Tensor
    ) -> list[Callable[[], Judged]]:
        """Return what judges a batch as it is, and what judges it turned; each normalises by its own pictures.

        The served model sees no turned pictures: what it normalises by is learned from the others alone.
        """
        quarters = torch.randint(1, TURNS, (len(labels),), generator=generator)
        (network,) = self._judged

        def as_they_are() -> Judged:
            features = network.features(pictures)
            logits: Tensor = network.head(features)
            return logits, objective.loss(logits, labels) + self._loss(features, labels)

        def turned() -> Judged:
            every = torch.stack([pictures.rot90(number, (2, 3)) for number in range(1, TURNS)])
            chosen = every[quarters - 1, torch.arange(len(labels))].contiguous(memory_format=torch.channels_last)
            features = network.features(chosen, recorded=False)
            return None, self._loss(features, labels + self._classes * quarters.to(labels.device))

        return [as_they_are, turned]

    def _loss(self, features: Tensor, answers: Tensor) -> Tensor:
        """Return a part's share in the second task's loss, which is the mean over both parts."""
        return WEIGHT / 2 * functional.cross_entropy(self.head(features), answers)
