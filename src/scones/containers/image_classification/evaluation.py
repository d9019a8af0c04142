"""Evaluation of a network: logits, probabilities and accuracy."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scones.containers.image_classification.device import CPU, layout, to_tensor
from scones.containers.image_classification.efficientnet import EfficientNetLite0
from scones.containers.image_classification.images import ImageSet, Pixels
from scones.containers.image_classification.objective import Objective
from scones.containers.image_classification.recipes import Classifier

MEASURED_PIXELS = 16 * 96 * 96
"""Maximum number of pixels of all images in one batch of evaluation on the CPU; larger batches are slower."""


def fastest_batch_size(network: Classifier, pixels: Pixels) -> int:
    """Return the fastest number of images per batch for evaluation on a CPU."""
    height, width = network.size if isinstance(network, EfficientNetLite0) else pixels.shape[1:3]
    return max(1, MEASURED_PIXELS // int(height * width))


@torch.no_grad()
def logits_of(network: Classifier, pixels: Pixels, batch_size: int | None = None) -> Tensor:
    """Return a network's logits, shape (n, classes), on the CPU.

    With `batch_size`, every batch has that many images if there are as many; the last batch then repeats some of the
    previous.
    """
    device, count = network.head.weight.device, batch_size or fastest_batch_size(network, pixels)
    logits = []
    for begin in range(0, len(pixels), count):
        end = min(begin + count, len(pixels))
        first = max(0, end - count) if batch_size else begin
        images = to_tensor(pixels[first:end], device).contiguous(memory_format=layout(device))
        logits.append(network(images)[begin - first :])
    return torch.cat(logits).to(CPU)


def probabilities(network: Classifier, pixels: Pixels, objective: Objective) -> NDArray[np.float32]:
    """Return the probabilities of the served model, shape (n, classes)."""
    answers: NDArray[np.float32] = objective.probabilities(logits_of(network, pixels)).numpy()
    return answers


def accuracy_of(network: Classifier, images: ImageSet, objective: Objective, batch_size: int | None = None) -> float:
    """Return a network's accuracy."""
    right = objective.count_correct(logits_of(network, images.pixels, batch_size), torch.from_numpy(images.labels))
    return float(right) / len(images.labels)
