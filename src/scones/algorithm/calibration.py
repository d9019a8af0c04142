"""Calibration: one temperature for all logits, so that of answers given with 90 % confidence 90 % are right.

Guo and others, "On Calibration of Modern Neural Networks" (2017). It is fitted on pictures that no step has learned
from; few as they are, they only pull the temperature away from what the recipe's own folds gave.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scones.algorithm.objective import Labels, Objective

HELD_BACK = 0.1
"""Share of the training pictures that only the temperature is fitted on."""
FEWEST = 50
"""With fewer held back than these, all train, and the recipe's own temperature stands."""
SPREAD = 0.3
"""How far, as a logarithm, temperatures of one recipe lie apart from job to job."""
RANGE, STEPS = math.log(4), 201


def hold_back(labels: Labels, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the pictures to learn from and of those to hold back, none where there are too few."""
    order = np.random.default_rng(seed).permutation(len(labels))
    count = round(HELD_BACK * len(labels))
    if count < FEWEST:
        count = 0
    return np.sort(order[count:]), np.sort(order[:count])


def temperature(objective: Objective, logits: Tensor, labels: Tensor) -> float:
    """Return the most probable temperature, given an objective's own and the logits of pictures held back."""
    changes = torch.linspace(-RANGE, RANGE, STEPS)
    costs = [
        _surprise(logits / (objective.temperature * math.exp(change)), labels) + (change / SPREAD) ** 2 / 2
        for change in changes.tolist()
    ]
    return objective.temperature * math.exp(changes[int(np.argmin(costs))])


def _surprise(logits: Tensor, labels: Tensor) -> float:
    """Return the negative logarithm of how probable labels are, one for a picture or several."""
    if labels.ndim == 1:
        return float(functional.cross_entropy(logits, labels, reduction="sum"))
    return float(functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum"))
