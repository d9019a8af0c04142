"""What training works towards, and what the network's logits then mean: one label for a picture, or several."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from scones.algorithm.device import CPU
from scones.algorithm.labels import Labels as Labels


class Objective:
    """Loss, accuracy and probabilities, for the labels of the training channel.

    With one label for a picture: softmax and cross-entropy. With several (`multi_label=1`): a sigmoid and a binary
    cross-entropy for each class; accuracy is then the built-in's, the average of all classes' accuracies.

    `weighted` makes each class count the same, however many pictures it has; on AWS use_weighted_loss is for
    multi_label=1 alone.
    """

    def __init__(self, labels: Labels, classes: int, *, weighted: bool = False, device: torch.device = CPU) -> None:
        self.several = labels.ndim == 2
        self.activation: Literal["Softmax", "Sigmoid"] = "Sigmoid" if self.several else "Softmax"
        """ONNX's name of what turns logits into probabilities."""
        self.temperature = 1.0
        """What logits are divided by before that."""
        self.smoothing = 0.0
        """Share of a label that is spread over all classes, with one label for a picture."""
        counts = labels.sum(0) if self.several else np.bincount(labels.astype(np.int64), minlength=classes)
        present = torch.from_numpy(np.asarray(counts)).float().clamp(min=1).to(device)
        self._present = len(labels) / (2 * present if self.several else classes * present)
        self._absent = len(labels) / (2 * (len(labels) - present).clamp(min=1))
        self._weighted = weighted

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of logits, shape (n, classes)."""
        if not self.several:
            losses = functional.cross_entropy(logits, labels, label_smoothing=self.smoothing, reduction="none")
            # A picture is weighted, not its classes: PyTorch's own weights would smooth labels towards rare classes.
            return (losses * self._present[labels] if self._weighted else losses).mean()
        each = torch.where(labels > 0, self._present, self._absent) if self._weighted else None
        return functional.binary_cross_entropy_with_logits(logits, labels, each)

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return how many pictures are right; with several labels each counts by its share of right classes."""
        if not self.several:
            return (logits.argmax(1) == labels).sum()
        return ((logits > 0) == (labels > 0)).float().mean(1).sum()

    def right_among(self, best: int, logits: Tensor, labels: Tensor) -> Tensor:
        """Return of how many pictures the one label is among the `best` most probable."""
        return (logits.topk(best, 1).indices == labels.unsqueeze(1)).any(1).sum()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return what the served model answers, shape (n, classes)."""
        scaled = logits / self.temperature
        return torch.sigmoid(scaled) if self.several else functional.softmax(scaled, 1)
