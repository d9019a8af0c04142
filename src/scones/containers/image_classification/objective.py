"""The training objective, and the meaning of the network's logits: one label for each image, or several."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from scones.containers.image_classification.device import CPU
from scones.containers.image_classification.labels import Labels as Labels


class Objective:
    """Loss, accuracy and probabilities for the labels of the training channel.

    With one label for each image: softmax and cross-entropy. With several (`multi_label=1`): a sigmoid and a binary
    cross-entropy for each class; accuracy is then the mean accuracy over all classes, as in AWS's built-in algorithm.

    `weighted` gives each class the same weight, however many images it has. On AWS, use_weighted_loss applies only to
    multi_label=1.
    """

    def __init__(self, labels: Labels, classes: int, *, weighted: bool = False, device: torch.device = CPU) -> None:
        self.several = labels.ndim == 2
        self.activation: Literal["Softmax", "Sigmoid"] = "Sigmoid" if self.several else "Softmax"
        """ONNX's name of the function that turns logits into probabilities."""
        self.temperature = 1.0
        """Divisor of the logits before the activation."""
        self.smoothing = 0.0
        """Share of a label that is spread over all classes; only with one label for each image."""
        counts = labels.sum(0) if self.several else np.bincount(labels.astype(np.int64), minlength=classes)
        present = torch.from_numpy(np.asarray(counts)).float().clamp(min=1).to(device)
        self._present_weight = len(labels) / (2 * present if self.several else classes * present)
        self._absent_weight = len(labels) / (2 * (len(labels) - present).clamp(min=1))
        self._weighted = weighted

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of logits, shape (n, classes)."""
        if not self.several:
            losses = functional.cross_entropy(logits, labels, label_smoothing=self.smoothing, reduction="none")
            # Multiply each image's loss by the weight of its class. PyTorch's `weight` argument would also weight the
            # smoothed part of a label, and so move labels towards rare classes.
            return (losses * self._present_weight[labels] if self._weighted else losses).mean()
        weights = torch.where(labels > 0, self._present_weight, self._absent_weight) if self._weighted else None
        return functional.binary_cross_entropy_with_logits(logits, labels, weights)

    def count_correct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the number of correct images; with several labels, an image counts by its share of correct classes."""
        if not self.several:
            return (logits.argmax(1) == labels).sum()
        return ((logits > 0) == (labels > 0)).float().mean(1).sum()

    def count_correct_in_top(self, k: int, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the number of images whose label is among the `k` most probable classes; only with one label each."""
        return (logits.topk(k, 1).indices == labels.unsqueeze(1)).any(1).sum()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the probabilities of the served model, shape (n, classes)."""
        scaled = logits / self.temperature
        return torch.sigmoid(scaled) if self.several else functional.softmax(scaled, 1)
