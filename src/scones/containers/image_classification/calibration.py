"""Temperature scaling: divide all logits by one number, so that 90 % of the predictions with 90 % confidence are right.

Source: Guo and others, "On Calibration of Modern Neural Networks" (2017). The temperature is fitted on held-back
images, which no training step has seen. They are few, so they only shift the temperature away from the recipe's own,
which was measured on the recipe's folds.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scones.containers.image_classification.objective import Labels, Objective

HELD_OUT_SHARE = 0.1
"""Share of the training images that are used only to fit the temperature."""
MIN_IMAGES = 50
"""Minimum number of held-back images; with fewer, all images train and the recipe's own temperature is kept."""
SPREAD = 0.3
"""Standard deviation, as a logarithm, of one recipe's best temperature from job to job."""
RANGE, STEPS = math.log(4), 201


def split_held_out(labels: Labels, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the training and the held-back images; with fewer than `MIN_IMAGES`, none are held back."""
    order = np.random.default_rng(seed).permutation(len(labels))
    count = round(HELD_OUT_SHARE * len(labels))
    if count < MIN_IMAGES:
        count = 0
    return np.sort(order[count:]), np.sort(order[:count])


def temperature(objective: Objective, logits: Tensor, labels: Tensor) -> float:
    """Return the most probable temperature, given the objective's own and the logits of held-back images."""
    changes = torch.linspace(-RANGE, RANGE, STEPS)
    costs = [
        _negative_log_likelihood(logits / (objective.temperature * math.exp(change)), labels)
        + (change / SPREAD) ** 2 / 2
        for change in changes.tolist()
    ]
    return objective.temperature * math.exp(changes[int(np.argmin(costs))])


def _negative_log_likelihood(logits: Tensor, labels: Tensor) -> float:
    """Return the summed negative log-likelihood of the labels, one or several for each image."""
    if labels.ndim == 1:
        return float(functional.cross_entropy(logits, labels, reduction="sum"))
    return float(functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum"))
