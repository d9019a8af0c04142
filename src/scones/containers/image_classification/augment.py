"""Data augmentation of training images, drawn again for every batch.

Without `augmentation_type`, our recipe varies everything, whereas the built-in would vary nothing. With it, only the
properties that the built-in varies for that value are varied, by our amounts (a shift replaces its random crop).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from scones.containers.image_classification.device import moved


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Amounts of augmentation; every image is also mirrored with probability 1/2."""

    shift: float = 0.12
    """Maximum shift, as a share of the side."""
    scale: float = 0.0
    """Maximum change of size, as a logarithm."""
    angle: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    hole: float = 0.0
    """Share of the images from which a square is cut out."""


DEFAULT_AUGMENTATION = Augmentation(scale=0.15, angle=math.radians(12), brightness=0.15, contrast=0.2, hole=0.5)
AUGMENTATIONS: dict[str | None, Augmentation] = {
    None: DEFAULT_AUGMENTATION,
    "crop": Augmentation(),
    "crop_color": Augmentation(brightness=0.15, contrast=0.2),
    "crop_color_transform": Augmentation(scale=0.15, angle=math.radians(10), brightness=0.15, contrast=0.2),
}
"""Variations by the hyperparameter augmentation_type."""
HOLE_SIDE = 0.25
"""Side of the square that is cut out, as a share of the image's shorter side."""


def augment(images: Tensor, generator: torch.Generator, augmentation: Augmentation, size: tuple[int, int]) -> Tensor:
    """Return augmented images; the input is in [0, 1], shape (n, 3, h, w), and `size` is the new (height, width).

    Geometry is one resampling; colour follows. Random numbers are drawn on the CPU, on whatever device the images are.
    """
    count = len(images)

    def draw(bound: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * bound

    angle, zoom = draw(augmentation.angle), torch.exp(draw(augmentation.scale))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = [
        torch.stack([cosine * mirror, -sine, draw(2 * augmentation.shift)], 1),
        torch.stack([sine * mirror, cosine, draw(2 * augmentation.shift)], 1),
    ]
    turned = moved(torch.stack(rows, 1), images.device)
    grid = functional.affine_grid(turned, [count, 3, *size], align_corners=False)
    varied = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    level = varied.mean((1, 2, 3), keepdim=True)
    changes = (draw(bound).view(-1, 1, 1, 1) for bound in (augmentation.contrast, augmentation.brightness))
    contrast, brightness = (moved(change, images.device) for change in changes)
    varied = (varied - level) * (1 + contrast) + level + brightness
    return _cut_out(varied, generator, augmentation.hole).clamp(0, 1)


def _cut_out(images: Tensor, generator: torch.Generator, share: float) -> Tensor:
    count, _, height, width = images.shape
    side = max(1, round(HOLE_SIDE * min(height, width)))
    drawn = (
        torch.randint(0, height - side + 1, (count, 1, 1, 1), generator=generator),
        torch.randint(0, width - side + 1, (count, 1, 1, 1), generator=generator),
        torch.rand(count, 1, 1, 1, generator=generator) < share,
    )
    top, left, chosen = (moved(values, images.device) for values in drawn)
    row = torch.arange(height, device=images.device).view(1, 1, -1, 1)
    column = torch.arange(width, device=images.device).view(1, 1, 1, -1)
    hole = chosen & (row >= top) & (row < top + side) & (column >= left) & (column < left + side)
    return torch.where(hole, images.mean((2, 3), keepdim=True), images)
