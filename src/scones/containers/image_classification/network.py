"""The network: a small residual CNN whose first layer whitens patches of 2 by 2 pixels.

A smaller version of Keller Jordan's airbench (2024): 24 whitening filters, three stages of 32, 64 and 128 channels,
mean and maximum over the image, one linear layer; 0.3 million parameters.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (32, 64, 128)
FEATURES = 2 * WIDTHS[-1]
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
"""Mean and standard deviation of CIFAR's pixels, in [0, 1]; whitening compensates for other data."""

MAX_PATCHES = 1_100_000
"""Approximate maximum number of patches for whitening: all patches of a thousand images of 32 by 32."""


class Stage(nn.Module):
    """Halve the image, then refine it: convolution, pooling, then a residual convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm_1 = nn.BatchNorm2d(outputs, momentum=0.1)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm_2 = nn.BatchNorm2d(outputs, momentum=0.1)

    def forward(self, x: Tensor, *, use_running_stats: bool = True) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h/2, w/2); see `Network.features`."""
        normalise = _normalise_by_running_stats if use_running_stats else _normalise_by_batch
        x = functional.relu(normalise(self.norm_1, functional.max_pool2d(self.widen(x), 2)))
        return x + functional.relu(normalise(self.norm_2, self.refine(x)))


def _normalise_by_running_stats(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    normalised: Tensor = norm(x)
    return normalised


def _normalise_by_batch(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    return functional.batch_norm(x, None, None, norm.weight, norm.bias, training=True, eps=norm.eps)


class Network(nn.Module):
    """Network that maps images in [0, 1], shape (n, 3, h, w), to logits."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))
        self.whiten = nn.Conv2d(3, 24, 2, bias=True)
        widths = (24, *WIDTHS)
        self.stages = nn.ModuleList(Stage(*pair) for pair in pairwise(widths))
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits, shape (n, classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits

    def features(self, x: Tensor, *, use_running_stats: bool = True) -> Tensor:
        """Map images to the input of the head, shape (n, FEATURES).

        In training, the network normalises by the batch's statistics; if `use_running_stats` is true, they also update
        the running statistics that inference uses.
        """
        x = functional.relu(self.whiten((x - self.mean) / self.deviation))
        for stage in self.stages:
            x = stage(x, use_running_stats=use_running_stats)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)

    def learn_whitening(self, images: Tensor) -> None:
        """Set the first layer from the patches' covariance: fixed filters, each with its negative."""
        _, _, height, width = images.shape
        x = (images[: max(1, MAX_PATCHES // (height * width))] - self.mean) / self.deviation
        patches = functional.unfold(x, 2).transpose(1, 2).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(torch.cov(patches.T))
        filters = (vectors / torch.sqrt(values + 1e-2)).T.reshape(12, 3, 2, 2)
        self.whiten.weight.data = torch.cat([filters, -filters])
        self.whiten.weight.requires_grad = False
        assert self.whiten.bias is not None
        nn.init.zeros_(self.whiten.bias)
