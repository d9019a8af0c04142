"""Turned pictures: a second task, whose answers cost nothing, from which a network of few pictures learns more.

Each picture of a batch comes once as it is and once turned by one, two or three quarters; a head of its own tells class
and turn together. After Lee and others, "Self-supervised Label Augmentation via Input Transformations" (2020). The
head is no part of the model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from scones.algorithm.network import FEATURES, Network
from scones.algorithm.objective import Objective

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

    def judge(
        self, objective: Objective, generator: torch.Generator | None, pictures: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the logits of a batch, shape (n, classes), and the mean loss of both tasks."""
        (network,) = self._judged
        count = len(labels)
        quarters = torch.randint(1, TURNS, (count,), generator=generator)
        turned = torch.stack([pictures.rot90(number, (2, 3)) for number in range(1, TURNS)])
        turned = turned[quarters - 1, torch.arange(count)]
        both = torch.cat([pictures, turned]).contiguous(memory_format=torch.channels_last)
        features = network.features(both)
        logits: Tensor = network.head(features[:count])
        answers = torch.cat([labels, labels + self._classes * quarters.to(labels.device)])
        return logits, objective.loss(logits, labels) + WEIGHT * functional.cross_entropy(self.head(features), answers)
